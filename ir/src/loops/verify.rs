//! Checks the contract of the loop level, in the order of the module's documentation.
//!
//! Linear in the size of the function (times the logarithm of the number of planned buffers). That no two
//! iterations of a parallel loop meet is proved without values; what needs values to decide (indices inside
//! their buffers, reads of written places) is left to the evaluator.

use super::eval::strides_separate;
use super::{BufferId, Contract, Expr, For, Func, LoopKind, MAX_DEPTH, Role, Stmt, Var};
use crate::axis::Name;
use crate::dtype::Dtype;
use crate::error::VerifyErrors;
use crate::extent::Extent;
use crate::graph::Table;
use crate::scalar::{ReduceOp, ScalarOp};
use std::collections::{BTreeSet, HashSet};

/// How many errors are listed.
const MAX_ERRORS: usize = 20;

/// Where a variable stands in the walk through the function.
#[derive(Clone, Copy, PartialEq)]
enum Scope {
    Before,
    Inside,
    After,
}

struct Verifier<'a> {
    func: &'a Func,
    symbols: HashSet<&'a Name>,
    scopes: Vec<Scope>,
    errors: Vec<String>,
}

pub(super) fn verify(func: &Func) -> Result<(), VerifyErrors> {
    // The walks below recurse, so depth comes first.
    if is_too_deep(func) {
        return Err(VerifyErrors(vec![format!(
            "statements or expressions are nested deeper than {MAX_DEPTH}"
        )]));
    }
    let mut verifier = Verifier {
        func,
        symbols: func.symbols.iter().map(|symbol| &symbol.name).collect(),
        scopes: vec![Scope::Before; func.vars.len()],
        errors: Vec::new(),
    };
    verifier.names();
    verifier.buffers();
    verifier.extents();
    verifier.block(&func.body);
    if verifier.errors.is_empty() {
        super::plan::verify(func, &mut verifier.errors);
        super::independent::verify(func, &mut verifier.errors);
    }
    verifier.errors.truncate(MAX_ERRORS);
    if verifier.errors.is_empty() { Ok(()) } else { Err(VerifyErrors(verifier.errors)) }
}

fn is_too_deep(func: &Func) -> bool {
    let mut blocks: Vec<(&Vec<Stmt>, usize)> = vec![(&func.body, 1)];
    let mut exprs: Vec<(&Expr, usize)> = Vec::new();
    while let Some((block, depth)) = blocks.pop() {
        if depth > MAX_DEPTH {
            return true;
        }
        for stmt in block {
            blocks.extend(stmt.blocks().into_iter().filter(|b| !b.is_empty()).map(|b| (b, depth + 1)));
            exprs.extend(stmt.exprs().into_iter().map(|expr| (expr, 1)));
            while let Some((expr, depth)) = exprs.pop() {
                if depth > MAX_DEPTH {
                    return true;
                }
                exprs.extend(expr.children().iter().map(|child| (child, depth + 1)));
            }
        }
    }
    false
}

/// Declarations.
impl Verifier<'_> {
    fn error(&mut self, message: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(message);
        }
    }

    fn names(&mut self) {
        let func = self.func;
        let symbols = func.symbols.iter().map(|s| &s.name);
        let buffers = func.buffers.iter().map(|b| &b.name);
        let vars = func.vars.iter().map(|v| &v.name);
        let mut seen = HashSet::new();
        for name in symbols.chain(buffers).chain(vars) {
            if !seen.insert(name) {
                self.error(format!("the name `{name}` is declared twice"));
            }
        }
    }

    fn buffers(&mut self) {
        let mut last = 0;
        for buffer in &self.func.buffers {
            let name = &buffer.name;
            let rank = match buffer.role {
                Role::Input => 0,
                Role::Output => 1,
                Role::Table(_) | Role::Scratch { .. } => 2,
            };
            if rank < last {
                self.error(format!("buffer `{name}` stands after one of a later role"));
            }
            last = rank.max(last);
            if buffer.extents.len() != buffer.strides.len() {
                self.error(format!(
                    "buffer `{name}` has {} extents and {} strides",
                    buffer.extents.len(),
                    buffer.strides.len()
                ));
            }
            if buffer.extents.iter().any(|extent| extent.as_const().is_some_and(|value| value < 0)) {
                self.error(format!("buffer `{name}` has a negative extent"));
            }
            if !buffer.is_addressable() {
                self.error(format!("buffer `{name}` has more bytes than can be addressed"));
            }
            let written = matches!(buffer.role, Role::Output | Role::Scratch { .. });
            if written
                && let Some(numbers) = constants(&buffer.extents).zip(constants(&buffer.strides))
                && !strides_separate(&numbers.0, &numbers.1)
            {
                self.error(format!("the strides of `{name}` let elements share a place"));
            }
            if buffer.private && !matches!(buffer.role, Role::Scratch { .. }) {
                self.error(format!("buffer `{name}` is private and no scratch"));
            }
            if let Role::Table(table) = &buffer.role {
                self.table(name, buffer.dtype, &buffer.extents, table);
            }
        }
    }

    fn table(&mut self, name: &Name, dtype: Dtype, extents: &[Extent], table: &Table) {
        match table {
            Table::Literals(literals) => {
                let elements =
                    extents.iter().map(Extent::as_const).try_fold(1i64, |n, extent| n.checked_mul(extent?));
                if elements != i64::try_from(literals.len()).ok() {
                    self.error(format!(
                        "table `{name}` has {} elements, not those of its extents",
                        literals.len()
                    ));
                }
                if let Some(literal) = literals.iter().find(|literal| !literal.fits(dtype)) {
                    self.error(format!("element {literal} of table `{name}` is no {dtype}"));
                }
            }
            Table::Dft => {
                let shaped = match extents {
                    [_] => true,
                    [rows, columns] => rows == columns,
                    _ => false,
                };
                if !(dtype.is_complex() && shaped) {
                    self.error(format!(
                        "table `{name}` is a dft, so it must be complex and square or one row"
                    ));
                }
            }
        }
    }

    /// Every symbol of an extent is declared.
    fn extents(&mut self) {
        let func = self.func;
        let mut extents: Vec<&Extent> = func.arena.iter().collect();
        for buffer in &func.buffers {
            extents.extend(buffer.extents.iter().chain(&buffer.strides));
            if let Role::Scratch { offset: Some(offset) } = &buffer.role {
                extents.push(offset);
            }
        }
        extents.extend(func.requirements.iter().flat_map(|r| [&r.left, &r.right]));
        extents.extend(func.symbols.iter().filter_map(|symbol| symbol.default.as_ref()));
        let mut unknown = BTreeSet::new();
        for extent in extents {
            extent.symbols(&mut |name| {
                if !self.symbols.contains(name) {
                    unknown.insert(name.clone());
                }
            });
        }
        for name in unknown {
            self.error(format!("symbol `{name}` is not declared"));
        }
    }
}

/// Statements.
impl Verifier<'_> {
    fn block(&mut self, block: &[Stmt]) {
        let mut defined = Vec::new();
        for stmt in block {
            self.stmt(stmt, &mut defined);
        }
        defined.into_iter().for_each(|var: Var| self.scopes[var.index()] = Scope::After);
    }

    /// Checks a statement; `defined` collects what goes out of scope at the end of its block.
    fn stmt(&mut self, stmt: &Stmt, defined: &mut Vec<Var>) {
        if let Stmt::Contract(contract) = stmt {
            return self.contract(contract, stmt);
        }
        for expr in stmt.exprs() {
            self.expr(expr, stmt);
        }
        match stmt {
            Stmt::Contract(_) => {}
            Stmt::For(For { var, lo, hi, kind, body }) => {
                self.has_dtype(lo, Dtype::I64, stmt);
                self.has_dtype(hi, Dtype::I64, stmt);
                let ok = self.define(*var, Dtype::I64, stmt);
                self.block(body);
                if ok {
                    self.scopes[var.index()] = Scope::After;
                }
                let constant = matches!(kind, LoopKind::Vector | LoopKind::Unroll);
                if let (true, Stmt::For(inner)) = (constant, stmt) {
                    self.constant_loop(inner, stmt);
                }
            }
            Stmt::Let(var, value) => {
                let dtype = self.dtype(value);
                if self.define(*var, dtype.unwrap_or(Dtype::I64), stmt) {
                    defined.push(*var);
                }
            }
            Stmt::Store(buffer, indices, value) => self.write(*buffer, indices, value, stmt),
            Stmt::Accumulate(op, buffer, indices, value) => {
                self.write(*buffer, indices, value, stmt);
                let dtype = self.func.buffers.get(buffer.index()).map(|buffer| buffer.dtype);
                let whole = !matches!(op, ReduceOp::ArgMax | ReduceOp::ArgMin);
                if !whole || dtype.is_some_and(|dtype| op.result_dtype(dtype) != Some(dtype)) {
                    self.error_in(stmt, format!("`{op}` cannot be accumulated here"));
                }
            }
            Stmt::If(condition, then, otherwise) => {
                self.has_dtype(condition, Dtype::Bool, stmt);
                self.block(then);
                self.block(otherwise);
            }
            Stmt::Check(condition, site) => {
                self.has_dtype(condition, Dtype::Bool, stmt);
                if *site >= self.func.checks.len() {
                    self.error_in(stmt, format!("there is no site {site}"));
                }
            }
        }
    }

    /// The axes of a contraction are in scope in its place and its factors, not in its extents.
    fn contract(&mut self, contract: &Contract, stmt: &Stmt) {
        for (_, extent) in &contract.axes {
            self.expr(extent, stmt);
            self.has_dtype(extent, Dtype::I64, stmt);
        }
        let axes: Vec<Var> =
            contract.vars().into_iter().filter(|var| self.define(*var, Dtype::I64, stmt)).collect();
        for expr in contract.place.iter().chain([&contract.left, &contract.right]) {
            self.expr(expr, stmt);
        }
        self.write(contract.target, &contract.place, &contract.left, stmt);
        if let Some(dtype) = self.dtype(&contract.left) {
            self.has_dtype(&contract.right, dtype, stmt);
            if matches!(dtype, Dtype::Bool | Dtype::F16 | Dtype::BF16) {
                self.error_in(stmt, format!("a contraction of {dtype}"));
            }
        }
        let register =
            |buffer: &BufferId| self.func.buffers.get(buffer.index()).is_some_and(|b| b.is_register());
        let factors = || contract.left.reads().into_iter().chain(contract.right.reads());
        if factors().chain([contract.target]).any(|buffer| register(&buffer)) {
            self.error_in(stmt, "a contraction of registers".into());
        }
        if [&contract.left, &contract.right].iter().any(|factor| factor.reads().contains(&contract.target)) {
            self.error_in(stmt, "a contraction reads what it writes".into());
        }
        if axes.len() == contract.axes.len()
            && let Some(message) = contract.error()
        {
            self.error_in(stmt, message);
        }
        axes.into_iter().for_each(|var| self.scopes[var.index()] = Scope::After);
    }

    fn error_in(&mut self, stmt: &Stmt, message: String) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(format!("{message}, in `{}`", self.func.show_stmt(stmt)));
        }
    }

    /// Brings a variable into scope; `false` if it cannot be defined here.
    fn define(&mut self, var: Var, dtype: Dtype, stmt: &Stmt) -> bool {
        let Some(declared) = self.func.vars.get(var.index()) else {
            self.error_in(stmt, format!("{var} is not declared"));
            return false;
        };
        if declared.dtype != dtype {
            self.error_in(stmt, format!("`{}` is {}, its value {dtype}", declared.name, declared.dtype));
        }
        if self.scopes[var.index()] != Scope::Before {
            self.error_in(stmt, format!("`{}` is defined a second time", declared.name));
            return false;
        }
        self.scopes[var.index()] = Scope::Inside;
        true
    }

    fn write(&mut self, buffer: BufferId, indices: &[Expr], value: &Expr, stmt: &Stmt) {
        self.place(buffer, indices, stmt);
        let Some(declared) = self.func.buffers.get(buffer.index()) else { return };
        if matches!(declared.role, Role::Input | Role::Table(_)) {
            self.error_in(stmt, format!("buffer `{}` is read-only", declared.name));
        }
        self.has_dtype(value, declared.dtype, stmt);
    }

    fn constant_loop(&mut self, inner: &For, stmt: &Stmt) {
        let vector = inner.kind == LoopKind::Vector;
        match inner.trip_count() {
            None => {
                self.error_in(stmt, format!("the trip count of a {} loop is not constant", inner.kind.name()))
            }
            Some(count) if vector && count < 1 => {
                self.error_in(stmt, "a vector has at least one lane".into())
            }
            Some(_) => {}
        }
        if !vector {
            return;
        }
        let mut lane: BTreeSet<Var> = BTreeSet::from([inner.var]);
        let depends =
            |lane: &BTreeSet<Var>, expr: &Expr| expr.free_vars().iter().any(|var| lane.contains(var));
        for nested in &inner.body {
            match nested {
                Stmt::Let(var, value) => {
                    if depends(&lane, value) {
                        lane.insert(*var);
                    }
                }
                Stmt::Store(_, indices, _) | Stmt::Accumulate(_, _, indices, _) => {
                    if !indices.iter().any(|index| depends(&lane, index)) {
                        self.error_in(nested, "lanes of a vector loop write the same place".into());
                    }
                }
                Stmt::For(_) | Stmt::If(..) | Stmt::Check(..) | Stmt::Contract(_) => {
                    self.error_in(nested, "a vector loop holds only `let`, stores and accumulations".into());
                }
            }
        }
    }
}

/// Expressions.
impl Verifier<'_> {
    /// The dtype, if everything that it depends on is declared.
    fn dtype(&self, expr: &Expr) -> Option<Dtype> {
        match expr {
            Expr::Const(_, dtype) | Expr::Op(_, dtype, _) => Some(*dtype),
            Expr::Var(var) => self.func.vars.get(var.index()).map(|var| var.dtype),
            Expr::Symbol(_) => Some(Dtype::I64),
            Expr::Load(buffer, _) => self.func.buffers.get(buffer.index()).map(|buffer| buffer.dtype),
        }
    }

    fn has_dtype(&mut self, expr: &Expr, dtype: Dtype, stmt: &Stmt) {
        if let Some(actual) = self.dtype(expr).filter(|actual| *actual != dtype) {
            self.error_in(stmt, format!("`{}` is {actual}, not {dtype}", self.func.show_expr(expr)));
        }
    }

    fn expr(&mut self, expr: &Expr, stmt: &Stmt) {
        for child in expr.children() {
            self.expr(child, stmt);
        }
        match expr {
            Expr::Const(literal, dtype) => {
                if !literal.fits(*dtype) {
                    self.error_in(stmt, format!("the literal {literal} is no {dtype}"));
                }
            }
            Expr::Var(var) => match self.scopes.get(var.index()) {
                None => self.error_in(stmt, format!("{var} is not declared")),
                Some(Scope::Inside) => {}
                Some(Scope::Before | Scope::After) => {
                    let name = &self.func.var(*var).name;
                    self.error_in(stmt, format!("`{name}` is used out of its scope"));
                }
            },
            Expr::Symbol(name) => {
                if !self.symbols.contains(name) {
                    self.error_in(stmt, format!("symbol `{name}` is not declared"));
                }
            }
            Expr::Load(buffer, indices) => self.place(*buffer, indices, stmt),
            Expr::Op(op, dtype, operands) => {
                let operands: Option<Vec<Dtype>> = operands.iter().map(|o| self.dtype(o)).collect();
                let Some(operands) = operands else { return };
                let ok = match op {
                    ScalarOp::Cast => operands.len() == 1,
                    op => op.result_dtype(&operands) == Some(*dtype),
                };
                if !ok {
                    let names: Vec<&str> = operands.iter().map(|dtype| dtype.name()).collect();
                    self.error_in(stmt, format!("`{op}` of ({}) does not give {dtype}", names.join(", ")));
                }
            }
        }
    }

    fn place(&mut self, buffer: BufferId, indices: &[Expr], stmt: &Stmt) {
        let Some(declared) = self.func.buffers.get(buffer.index()) else {
            return self.error_in(stmt, format!("{buffer} is not declared"));
        };
        if indices.len() != declared.extents.len() {
            let (name, given, wanted) = (&declared.name, indices.len(), declared.extents.len());
            self.error_in(stmt, format!("buffer `{name}` takes {wanted} indices, not {given}"));
        }
        for index in indices {
            self.has_dtype(index, Dtype::I64, stmt);
        }
    }
}

fn constants(extents: &[Extent]) -> Option<Vec<i64>> {
    extents.iter().map(Extent::as_const).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scalar::Literal;

    /// A function that verifies, with a hole for statements.
    fn with(statements: &str) -> Func {
        let text = format!(
            "func @f(n) {{
               input X: f32[n]
               output Y: f32[n]
               scratch acc: f32
               table t: f32[2] = {{1.0, 2.0}}
               site 0 \"m\"
               for i in 0..n {{ Y[i] = X[i] }}
               {statements}
             }}"
        );
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn errors(func: &Func) -> String {
        verify(func).map_or_else(|errors| errors.to_string(), |()| String::new())
    }

    fn assert_error(statements: &str, message: &str) {
        let errors = errors(&with(statements));
        assert!(errors.contains(message), "{statements}: {errors}");
    }

    #[test]
    fn good_functions_pass() {
        assert_eq!(errors(&with("")), "");
        assert_eq!(errors(&with("vector for l in n..n + 8 { let x: f32 = 1.0f32 Y[l] += x }")), "");
        assert_eq!(errors(&with("unroll for l in 0..0 { acc = 1.0f32 check true site 0 }")), "");
        assert_eq!(errors(&with("acc = X[n - 1] if n < 3 { acc max= t[1] } else { Y[0] = acc }")), "");
    }

    #[test]
    fn scopes_are_checked() {
        assert_error("if true { let x: i64 = 1 } Y[x] = 1.0f32", "`x` is used out of its scope");
        assert_error("Y[i] = 1.0f32", "`i` is used out of its scope");
        let mut func = with("let x: i64 = n let y: i64 = x");
        func.body.swap(1, 2);
        assert!(errors(&func).contains("`x` is used out of its scope"));
        let again = func.body[2].clone();
        func.body = vec![again.clone(), again];
        assert!(errors(&func).contains("a second time"));
    }

    #[test]
    fn types_are_checked() {
        assert_error("Y[0] = 1.0", "`1.0` is f64, not f32");
        assert_error("Y[0u8] = 1.0f32", "`0u8` is u8, not i64");
        assert_error("for j in 0..3u8 { }", "is u8, not i64");
        assert_error("if 1 { }", "is i64, not bool");
        assert_error("check n site 0", "is i64, not bool");
        assert_error("let x: f32 = 1.0", "`x` is f32, its value f64");
        assert_error("acc and= acc", "`all` cannot be accumulated here");
        assert_error("acc argmax= acc", "`argmax` cannot be accumulated here");
        let mut func = with("");
        func.body = vec![Stmt::Store(
            BufferId(2),
            vec![],
            Expr::Op(ScalarOp::Add, Dtype::F32, vec![Expr::int(1), Expr::int(2)]),
        )];
        assert!(errors(&func).contains("`add` of (i64, i64) does not give f32"));
        func.body = vec![Stmt::Store(BufferId(2), vec![], Expr::Const(Literal::Int(1), Dtype::F32))];
        assert!(errors(&func).contains("the literal 1 is no f32"));
    }

    #[test]
    fn places_are_checked() {
        assert_error("Y[0, 1] = 1.0f32", "takes 1 indices, not 2");
        assert_error("acc = Y", "takes 1 indices, not 0");
        assert_error("X[0] = 1.0f32", "buffer `X` is read-only");
        assert_error("t[0] += 1.0f32", "buffer `t` is read-only");
        assert_error("check true site 1", "there is no site 1");
        let mut func = with("");
        func.body = vec![Stmt::Store(BufferId(9), vec![], Expr::Symbol("m".into()))];
        assert!(errors(&func).contains("buffer 9 is not declared"));
        assert!(errors(&func).contains("symbol `m` is not declared"));
    }

    #[test]
    fn declarations_are_checked() {
        let text = |line: &str| format!("func @f(n) {{ input a: f32 {line} }}").parse().expect("text");
        let rejects = |line: &str, message: &str| {
            let errors = errors(&text(line));
            assert!(errors.contains(message), "{line}: {errors}");
        };
        rejects("scratch b: f32[m]", "symbol `m` is not declared");
        rejects("scratch b: f32[-1]", "negative extent");
        rejects("scratch b: f32[2, 2] strides [1]", "2 extents and 1 strides");
        rejects("scratch b: f32[2, 2] strides [0, 1]", "let elements share a place");
        rejects("scratch b: f32[4611686018427387904, 4]", "more bytes than can be addressed");
        rejects("scratch b: f32 input c: f32", "`c` stands after");
        rejects("table t: f32[3] = {1.0}", "has 1 elements");
        rejects("table t: c64[n, 3] = dft", "complex and square");
        rejects("table t: f64[3] = dft", "complex and square");
        let mut func: Func = text("");
        func.symbols[0].name = "a".into();
        assert!(errors(&func).contains("the name `a` is declared twice"));
    }

    #[test]
    fn vector_and_unrolled_loops_are_checked() {
        assert_error("vector for l in 0..n { Y[l] = 1.0f32 }", "trip count of a vector loop is not constant");
        assert_error("unroll for l in 0..n { Y[l] = 1.0f32 }", "trip count of a unroll loop is not constant");
        assert_error("vector for l in 0..0 { }", "at least one lane");
        assert_error("vector for l in 0..8 { Y[0] = 1.0f32 }", "write the same place");
        assert_error("vector for l in 0..8 { acc += 1.0f32 }", "write the same place");
        assert_error("vector for l in 0..8 { if l < 3 { } }", "holds only `let`");
    }

    #[test]
    fn depth_is_bounded() {
        let mut func = with("");
        let deep = (0..MAX_DEPTH).fold(Expr::int(1), |x, _| Expr::Op(ScalarOp::Neg, Dtype::I64, vec![x]));
        func.body = vec![Stmt::If(Expr::eq(deep, Expr::int(1)), vec![], vec![])];
        assert!(errors(&func).contains("nested deeper"));
    }
}
