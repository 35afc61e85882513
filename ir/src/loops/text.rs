//! The text form of the loop level: what [`super::parse`] reads back exactly.
//!
//! ```text
//! func @scale(n, param w = 2) {
//!   input X: f32[n]
//!   output Y: f32[n]
//!   scratch acc: f32
//!   site 0 "index outside X" @10..20
//!   parallel for i in 0..n {
//!     acc = X[i] * 2.0f32
//!     acc += 1.0f32
//!     check i < n site 0
//!     Y[i] = exp(acc)
//!   }
//! }
//! ```
//!
//! Dtypes can be recovered: a literal carries its dtype as a suffix (none: i64 or f64), a cast is the
//! dtype applied to its operand, and every other operation has the dtype that its operands give it.
//! A name that is a reserved word or not a word stands in backquotes.

use super::{Buffer, BufferId, Expr, For, Func, LoopKind, Role, Stmt, Var, row_major};
use crate::dtype::Dtype;
use crate::graph::Table;
use crate::scalar::{Literal, ReduceOp, ScalarOp};
use std::fmt::{self, Display, Formatter, Write};

/// Words that no unquoted name may be.
const RESERVED: &[&str] = &["div", "mod", "and", "or", "true", "false"];

/// Operations written between their operands, with how strongly they bind; 0 binds least.
pub(super) const INFIX: &[(&str, ScalarOp, u8)] = &[
    ("or", ScalarOp::Or, 0),
    ("and", ScalarOp::And, 1),
    ("<", ScalarOp::Lt, 2),
    ("<=", ScalarOp::Le, 2),
    ("==", ScalarOp::Eq, 2),
    ("!=", ScalarOp::Ne, 2),
    ("+", ScalarOp::Add, 3),
    ("-", ScalarOp::Sub, 3),
    ("*", ScalarOp::Mul, 4),
    ("/", ScalarOp::Div, 4),
    ("div", ScalarOp::FloorDiv, 4),
    ("mod", ScalarOp::Mod, 4),
];

/// How an accumulation is written: the word or sign before `=`.
pub(super) const ACCUMULATE: &[(&str, ReduceOp)] = &[
    ("+=", ReduceOp::Sum),
    ("*=", ReduceOp::Prod),
    ("max=", ReduceOp::Max),
    ("min=", ReduceOp::Min),
    ("or=", ReduceOp::Any),
    ("and=", ReduceOp::All),
    ("argmax=", ReduceOp::ArgMax),
    ("argmin=", ReduceOp::ArgMin),
];

/// A name as it is written: in backquotes unless it is a plain word.
struct Word<'a>(&'a str);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if is_plain(self.0) { f.write_str(self.0) } else { write_quoted(f, self.0, '`') }
    }
}

fn is_plain(name: &str) -> bool {
    use pest::unicode::{XID_CONTINUE, XID_START};
    let parts_are_words = name.split('.').enumerate().all(|(position, part)| {
        let starts = part.chars().next().is_some_and(|c| position > 0 || c == '_' || XID_START(c));
        starts && part.chars().all(|c| c == '_' || XID_CONTINUE(c))
    });
    let literal = ["inf", "nan"].iter().any(|word| name == *word || name.starts_with(&format!("{word}_")));
    parts_are_words && !literal && !RESERVED.contains(&name)
}

/// Text between quotes, with backslashes before what would end it or the line.
fn write_quoted(f: &mut Formatter<'_>, text: &str, quote: char) -> fmt::Result {
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\\' => f.write_str("\\\\")?,
            c if c == quote => write!(f, "\\{c}")?,
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

/// A number with everything that [`super::parse`] needs to read the same bits back.
struct Real(f64);

impl Display for Real {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            value if value.to_bits() == f64::NAN.to_bits() => f.write_str("nan"),
            value if value.is_nan() => write!(f, "nan_x{:016x}", value.to_bits()),
            value => write!(f, "{value:?}"), // shortest digits that read back; always a point or exponent
        }
    }
}

/// A literal without its dtype, as in a table.
struct Element(Literal);

impl Display for Element {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Int(value) => write!(f, "{value}"),
            Literal::Real(value) => Real(value).fmt(f),
            Literal::Complex(re, im) => write!(f, "({}, {})", Real(re), Real(im)),
        }
    }
}

fn write_literal(f: &mut Formatter<'_>, literal: Literal, dtype: Dtype) -> fmt::Result {
    Element(literal).fmt(f)?;
    match literal {
        Literal::Bool(_) => Ok(()),
        Literal::Int(_) if dtype == Dtype::I64 => Ok(()),
        Literal::Real(_) if dtype == Dtype::F64 => Ok(()),
        Literal::Real(value) if !value.is_finite() => write!(f, "_{dtype}"),
        Literal::Int(_) | Literal::Real(_) | Literal::Complex(..) => write!(f, "{dtype}"),
    }
}

fn write_list(f: &mut Formatter<'_>, open: &str, items: &[impl Display], close: &str) -> fmt::Result {
    f.write_str(open)?;
    for (position, item) in items.iter().enumerate() {
        write!(f, "{}{item}", if position == 0 { "" } else { ", " })?;
    }
    f.write_str(close)
}

/// An expression with the names of its function.
pub struct ShowExpr<'a> {
    func: &'a Func,
    expr: &'a Expr,
    /// Parentheses are needed around anything that binds less strongly.
    strength: u8,
}

/// The first line of a statement with the names of its function, for messages.
pub struct ShowStmt<'a> {
    func: &'a Func,
    stmt: &'a Stmt,
}

/// A statement with its nested blocks and the names of its function.
pub struct ShowNest<'a> {
    func: &'a Func,
    stmt: &'a Stmt,
}

impl Func {
    /// The text of an expression.
    pub fn show_expr<'a>(&'a self, expr: &'a Expr) -> ShowExpr<'a> {
        ShowExpr { func: self, expr, strength: 0 }
    }

    /// The text of a statement without its nested blocks.
    pub fn show_stmt<'a>(&'a self, stmt: &'a Stmt) -> ShowStmt<'a> {
        ShowStmt { func: self, stmt }
    }

    /// The text of a statement with everything in it.
    pub fn show_nest<'a>(&'a self, stmt: &'a Stmt) -> ShowNest<'a> {
        ShowNest { func: self, stmt }
    }

    fn buffer_word(&self, buffer: BufferId) -> Word<'_> {
        Word(self.buffers.get(buffer.index()).map_or("?", |b| &b.name))
    }

    fn var_word(&self, var: Var) -> Word<'_> {
        Word(self.vars.get(var.index()).map_or("?", |v| &v.name))
    }

    /// `X[i, j]`, or `X` without indices.
    fn write_place(&self, f: &mut Formatter<'_>, buffer: BufferId, indices: &[Expr]) -> fmt::Result {
        self.buffer_word(buffer).fmt(f)?;
        if indices.is_empty() {
            return Ok(());
        }
        let indices: Vec<_> = indices.iter().map(|index| self.show_expr(index)).collect();
        write_list(f, "[", &indices, "]")
    }

    /// Whether variables are numbered in order of definition, as the parser numbers them.
    fn is_numbered_in_order(&self) -> bool {
        let mut next = 0;
        let mut in_order = true;
        self.walk(&mut |stmt| {
            for var in stmt.own_vars() {
                in_order &= var.index() == next;
                let counter = !matches!(stmt, Stmt::Let(..));
                in_order &= !counter || self.vars.get(next).is_some_and(|v| v.dtype == Dtype::I64);
                next += 1;
            }
        });
        in_order && next == self.vars.len()
    }
}

impl Display for ShowExpr<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.expr {
            Expr::Const(literal, dtype) => write_literal(f, *literal, *dtype),
            Expr::Var(var) => self.func.var_word(*var).fmt(f),
            Expr::Symbol(name) => Word(name).fmt(f),
            Expr::Load(buffer, indices) => self.func.write_place(f, *buffer, indices),
            Expr::Op(op, dtype, operands) => {
                match (INFIX.iter().find(|row| row.1 == *op), operands.as_slice()) {
                    (Some((sign, _, strength)), [a, b]) => {
                        let (open, close) = if *strength < self.strength { ("(", ")") } else { ("", "") };
                        // Comparisons do not chain; everything else groups to the left.
                        let left = if *strength == 2 { 3 } else { *strength };
                        let side = |expr, strength| ShowExpr { func: self.func, expr, strength };
                        write!(f, "{open}{} {sign} {}{close}", side(a, left), side(b, strength + 1))
                    }
                    _ => {
                        f.write_str(if *op == ScalarOp::Cast { dtype.name() } else { op.row().name })?;
                        let operands: Vec<_> = operands.iter().map(|e| self.func.show_expr(e)).collect();
                        write_list(f, "(", &operands, ")")
                    }
                }
            }
        }
    }
}

impl Display for ShowStmt<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let func = self.func;
        match self.stmt {
            Stmt::For(For { var, lo, hi, kind, .. }) => {
                if *kind != LoopKind::Serial {
                    write!(f, "{} ", kind.name())?;
                }
                write!(f, "for {} in {}..{}", func.var_word(*var), func.show_expr(lo), func.show_expr(hi))
            }
            Stmt::Let(var, value) => {
                let dtype = func.vars.get(var.index()).map_or("?", |v| v.dtype.name());
                write!(f, "let {}: {dtype} = {}", func.var_word(*var), func.show_expr(value))
            }
            Stmt::Store(buffer, indices, value) => {
                func.write_place(f, *buffer, indices)?;
                write!(f, " = {}", func.show_expr(value))
            }
            Stmt::Accumulate(op, buffer, indices, value) => {
                func.write_place(f, *buffer, indices)?;
                let sign = ACCUMULATE.iter().find(|row| row.1 == *op).map_or("?=", |row| row.0);
                write!(f, " {sign} {}", func.show_expr(value))
            }
            Stmt::If(condition, _, _) => write!(f, "if {}", func.show_expr(condition)),
            Stmt::Check(condition, site) => write!(f, "check {} site {site}", func.show_expr(condition)),
            Stmt::Contract(contract) => {
                f.write_str("contract")?;
                for (position, (var, extent)) in contract.axes.iter().enumerate() {
                    let comma = if position == 0 { "" } else { "," };
                    write!(f, "{comma} {} in 0..{}", func.var_word(*var), func.show_expr(extent))?;
                }
                f.write_str(": ")?;
                func.write_place(f, contract.target, &contract.place)?;
                let sign = if contract.accumulate { "+=" } else { "=" };
                let (left, right) = (func.show_expr(&contract.left), func.show_expr(&contract.right));
                write!(f, " {sign} {left} * {right}")
            }
        }
    }
}

impl Display for ShowNest<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write_block(f, self.func, std::slice::from_ref(self.stmt), 0)
    }
}

fn write_block(f: &mut Formatter<'_>, func: &Func, block: &[Stmt], depth: usize) -> fmt::Result {
    let indent = 2 * depth;
    for stmt in block {
        write!(f, "{:indent$}{}", "", func.show_stmt(stmt))?;
        for (position, nested) in stmt.blocks().into_iter().enumerate() {
            if position == 1 && nested.is_empty() {
                continue; // no else
            }
            f.write_str(if position == 1 { " else {\n" } else { " {\n" })?;
            write_block(f, func, nested, depth + 1)?;
            write!(f, "{:indent$}}}", "")?;
        }
        f.write_str("\n")?;
    }
    Ok(())
}

fn write_buffer(f: &mut Formatter<'_>, buffer: &Buffer) -> fmt::Result {
    let role = match buffer.role {
        Role::Input => "input",
        Role::Output => "output",
        Role::Scratch { .. } => "scratch",
        Role::Table(_) => "table",
    };
    write!(f, "  {role} {}: {}", Word(&buffer.name), buffer.dtype)?;
    if !buffer.extents.is_empty() {
        write_list(f, "[", &buffer.extents, "]")?;
    }
    if buffer.strides != row_major(&buffer.extents) {
        write_list(f, " strides [", &buffer.strides, "]")?;
    }
    if buffer.private {
        f.write_str(" private")?;
    }
    match &buffer.role {
        Role::Scratch { offset: Some(offset) } => write!(f, " at {offset}")?,
        Role::Table(table) => match &**table {
            Table::Dft => f.write_str(" = dft")?,
            Table::Literals(literals) => {
                let elements: Vec<Element> = literals.iter().copied().map(Element).collect();
                write_list(f, " = {", &elements, "}")?;
            }
        },
        Role::Input | Role::Output | Role::Scratch { offset: None } => {}
    }
    f.write_str("\n")
}

fn write_message(f: &mut Formatter<'_>, message: &str, span: Option<(usize, usize)>) -> fmt::Result {
    f.write_str(" ")?;
    write_quoted(f, message, '"')?;
    match span {
        Some((start, end)) => writeln!(f, " @{start}..{end}"),
        None => writeln!(f),
    }
}

impl Display for Func {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "func @{}(", Word(&self.name))?;
        for (position, symbol) in self.symbols.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            let param = if symbol.param { "param " } else { "" };
            write!(f, "{comma}{param}{}", Word(&symbol.name))?;
            if let Some(default) = &symbol.default {
                write!(f, " = {default}")?;
            }
        }
        f.write_str(") {\n")?;
        for buffer in &self.buffers {
            write_buffer(f, buffer)?;
        }
        if let Some(arena) = &self.arena {
            writeln!(f, "  arena {arena}")?;
        }
        for requirement in &self.requirements {
            write!(f, "  require {requirement}")?;
            write_message(f, &requirement.message, requirement.span)?;
        }
        for (index, site) in self.checks.iter().enumerate() {
            write!(f, "  site {index}")?;
            write_message(f, &site.message, site.span)?;
        }
        if !self.is_numbered_in_order() {
            let vars: Vec<String> =
                self.vars.iter().map(|var| format!("{}: {}", Word(&var.name), var.dtype)).collect();
            write_list(f, "  vars {", &vars, "}\n")?;
        }
        write_block(f, self, &self.body, 1)?;
        f.write_str("}\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ParseError;
    use crate::extent::Extent;
    use crate::loops::walk_block;

    const ALL: &str = r#"func @kron(n, in, param w = 2, param `a b` = n*n - 1) {
  input Q: f32[n, 2*n + 1]
  input input: f32
  input é: u8[n] strides [-2]
  output O: f32[n, 2*n + 1]
  output loss: c64
  scratch S: f32[n, n] strides [1, n] at 64*n
  scratch T: f32[n] private at 64*n + 4*n*n
  scratch acc: f32
  scratch flag: bool
  table t: f32[5] = {1.0, -2.5e-7, inf, -inf, nan}
  table z: c64[2] = {(1.0, -0.0), (inf, nan_x7ff8000000000001)}
  table b: bool[2] = {true, false}
  table m: i64[1] = {-9223372036854775808}
  table F: c128[n, n] = dft
  arena 64*n + 4*n*n
  require n <= w + (n div 2) "n is {left}, \"quoted\"\nand a \\"
  require 4 divides n "no" @3..5
  site 0 "index outside axis 1 of Q" @10..20
  site 1 ""
  for i in 0..n {
    parallel for j in max(0, i - w)..min(n, i + 1) {
      acc = 0.0f32
      vector for l in 0..8 {
        let `div`: f32 = fma(Q[i, l], 2.0f32, acc)
        S[i, l] = `div` * (1.0f32 + `div`) - (Q[i, j] - Q[j, i])
      }
      unroll for k.o in 0..4 {
        acc += Q[i, k.o] * t[k.o]
      }
      let x: f32 = exp(acc) / input
      if i < j and (flag or not(i == j) and x != nan_f32) {
        S[i, j] max= x
      } else {
        acc *= x
        flag or= (i < j) == (j <= n)
      }
      check i * (j + 1) < n div 2 mod 3 site 0
      O[i, j] = select(flag, f32(u8(i) + 3u8), neg(-1.5f32))
    }
    if isnan(acc) {
      loss = complex(re(loss), f32(1e300))
      loss += (1.0, 2.0)c64
    }
  }
  check -9223372036854775808 < -1 - `a b` site 1
}
"#;

    fn round_trip(text: &str) -> Func {
        let func: Func = text.parse().unwrap_or_else(|e: ParseError| panic!("{e}\n{text}"));
        let printed = func.to_string();
        let again: Func = printed.parse().unwrap_or_else(|e: ParseError| panic!("{e}\n{printed}"));
        assert_eq!(func, again, "{printed}");
        assert_eq!(printed, again.to_string());
        func
    }

    #[test]
    fn every_construct_reads_back() {
        assert_eq!(round_trip(ALL).to_string(), ALL);
    }

    #[test]
    fn literals_keep_their_bits_and_dtypes() {
        for dtype in [Dtype::F16, Dtype::BF16, Dtype::F32, Dtype::F64] {
            for value in [0.0, -0.0, 1.0, 1e-320, 6.02e23, 1e16, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                check_literal(Literal::Real(value), dtype);
            }
            check_literal(Literal::Real(f64::from_bits(f64::NAN.to_bits() | 1 << 63 | 5)), dtype);
        }
        for dtype in [Dtype::U8, Dtype::U32, Dtype::I32, Dtype::I64] {
            check_literal(Literal::identity(ReduceOp::Max, dtype), dtype);
            check_literal(Literal::identity(ReduceOp::Min, dtype), dtype);
        }
        check_literal(Literal::Complex(-0.0, f64::NEG_INFINITY), Dtype::C64);
        check_literal(Literal::Complex(1.5, f64::NAN), Dtype::C128);
        check_literal(Literal::Bool(true), Dtype::Bool);
    }

    fn check_literal(literal: Literal, dtype: Dtype) {
        let mut func = Func::default();
        let x = func.add_var("x", dtype);
        func.body = vec![Stmt::Let(x, Expr::Const(literal, dtype))];
        assert_eq!(round_trip(&func.to_string()), func);
    }

    #[test]
    fn grouping_is_kept() {
        let mut func = Func::default();
        let x = func.add_var("x", Dtype::I64);
        let y = func.add_var("y", Dtype::I64);
        func.body = vec![Stmt::Let(x, Expr::int(1))];
        let arithmetic = [ScalarOp::Add, ScalarOp::Sub, ScalarOp::Mul, ScalarOp::FloorDiv, ScalarOp::Mod];
        for outer in arithmetic {
            for inner in arithmetic {
                let make = |op, a, b| Expr::Op(op, Dtype::I64, vec![a, b]);
                let nested = make(inner, x.into(), Expr::int(-2));
                for value in [make(outer, nested.clone(), x.into()), make(outer, x.into(), nested.clone())] {
                    func.body.truncate(1);
                    func.body.push(Stmt::Let(y, value));
                    assert_eq!(func.to_string().parse(), Ok(func.clone()));
                }
            }
        }
    }

    #[test]
    fn any_name_and_any_numbering_survives() {
        let mut func = Func { name: "a\n`b\\".into(), ..Func::default() };
        func.add_buffer(Buffer::new("for", Dtype::I64, vec![], Role::Output));
        func.add_buffer(Buffer::new("", Dtype::I64, vec![Extent::from(1)], Role::Output));
        let unused = func.add_var("let", Dtype::F32);
        let late = func.add_var("inf_f32", Dtype::I64);
        let early = func.add_var("if", Dtype::I64);
        func.body = vec![
            Stmt::Let(early, Expr::int(1)),
            Stmt::serial(late, Expr::int(0), early.into(), vec![]),
            Stmt::Accumulate(ReduceOp::Max, BufferId(0), vec![], early.into()),
            Stmt::Store(BufferId(1), vec![Expr::int(0)], Expr::load(BufferId(0), vec![])),
        ];
        assert_eq!(round_trip(&func.to_string()), func);
        assert!(func.to_string().contains("vars {"));
        func.compact();
        assert_eq!(round_trip(&func.to_string()), func);
        assert!(!func.to_string().contains("vars {"));
        assert_eq!(unused, Var(0));
    }

    #[test]
    fn errors_have_a_place() {
        for (text, message) in [
            ("func @f() {\n  x = 1\n}", "2:3: `x` is no buffer"),
            ("func @f(n) {\n  let x: i64 = n + 1.0\n}", "2:18: `add` does not take operands (i64, f64)"),
            ("func @f() {\n  let x: u8 = 300u8\n}", "2:15: `300` is no u8"),
            ("func @f() {\n  let é: i64 = ยฝ ?\n}", "2:19: this is no token of the loop level"),
            ("func @f() {", "1:12: expected a statement, found the end"),
            ("func @f() { let x: i64 = 1 let x: i64 = 2 }", "1:41: `x` is defined twice"),
            ("func @f() { let x: i64 = 9223372036854775808 }", "is no"),
            ("", "1:1: expected `func`, found the end"),
        ] {
            let error = text.parse::<Func>().map(|f| f.to_string()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn broken_text_is_an_error_and_never_a_panic() {
        let cuts = ALL.char_indices().map(|(at, _)| at).step_by(5);
        for at in cuts {
            let _ = ALL[..at].parse::<Func>();
            let _ = ALL[at..].parse::<Func>();
            let _ = format!("{}]{}", &ALL[..at], &ALL[at..]).parse::<Func>();
        }
        for opening in ["(", "-(", "f32(", "x[", "for i in 0..1 {", "if true {"] {
            let text = format!("func @f() {{ let x: i64 = {}", opening.repeat(100_000));
            assert!(text.parse::<Func>().is_err());
            assert!(format!("func @f() {{ {}", opening.repeat(100_000)).parse::<Func>().is_err());
            assert!(format!("func @f() {{ arena {}", opening.repeat(100_000)).parse::<Func>().is_err());
        }
        let power = format!("func @f() {{ arena {} 1 }}", "(a + b + c + d) * ".repeat(100));
        assert!(power.parse::<Func>().is_err());
    }

    #[test]
    fn depth_up_to_the_limit_reads_back() {
        let depth = crate::loops::MAX_DEPTH - 2;
        let mut func = Func::default();
        let x = func.add_var("x", Dtype::I64);
        let minus = |a, b| Expr::Op(ScalarOp::Sub, Dtype::I64, vec![a, b]);
        let right = (0..depth).fold(Expr::int(1), |inner, _| minus(Expr::int(1), inner));
        func.body = vec![Stmt::Let(x, right)];
        assert_eq!(round_trip(&func.to_string()), func);
        let block = (0..depth).fold(Vec::new(), |inner, _| vec![Stmt::If(Expr::bool(true), inner, vec![])]);
        func = Func { body: block, ..Func::default() };
        assert_eq!(round_trip(&func.to_string()), func);
        let mut count = 0;
        walk_block(&func.body, &mut |_| count += 1);
        assert_eq!(count, depth);
    }
}
