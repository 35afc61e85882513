//! Reads the text form of the loop level. [`super::text`] shows what it looks like.
//!
//! ```text
//! func    := "func" "@" name "(" [symbol {"," symbol}] ")" "{" {declaration} {statement} "}"
//! symbol  := ["param"] name ["=" extent]
//! declaration
//!         := role name ":" dtype ["[" extents "]"] ["strides" "[" extents "]"] ["private"] ["at" extent]
//!            ["=" ("dft" | "{" elements "}")]                role: input, output, scratch or table
//!          | "arena" extent | "vars" "{" [name ":" dtype {"," ..}] "}" | "site" number message
//!          | "require" extent ("==" | "<=" | "divides") extent message
//! message := string ["@" number ".." number]
//! statement
//!         := ["parallel" | "vector" | "unroll"] "for" name "in" expr ".." expr block
//!          | "let" name ":" dtype "=" expr | "if" expr block ["else" block]
//!          | "check" expr "site" number | place ("=" | "+=" | "*=" | "max=" ..) expr
//!          | "contract" name "in" "0" ".." expr {"," ..} ":" place ("=" | "+=") place "*" place
//! expr    := operand {sign operand}            signs and their strengths: the table INFIX
//! operand := literal | place | name "(" [expr {"," expr}] ")" | "(" expr ")"
//! place   := name ["[" expr {"," expr} "]"]
//! ```
//!
//! Words are reserved by where they stand only, so a tensor may be called `input` or `for`.

mod expression;
mod extent;
mod literal;

use super::text::ACCUMULATE;
use super::{
    Buffer, BufferId, CheckSite, Contract, Expr, For, Func, LoopKind, MAX_DEPTH, Role, Stmt, Var, VarDecl,
    row_major,
};
use crate::axis::Name;
use crate::dtype::Dtype;
use crate::error::ParseError;
use crate::graph::Table;
use crate::scalar::{Literal, ScalarOp};
use crate::symbol::{Relation, Requirement, SymbolDecl};
use pest::Parser as _;
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

#[derive(pest_derive::Parser)]
#[grammar = "src/loops/grammar.pest"]
struct Tokens;

/// What a name stands for.
#[derive(Clone, Copy)]
enum Item {
    Symbol,
    Buffer(BufferId),
    Var(Var),
}

#[derive(Clone, Copy)]
struct Token<'a> {
    rule: Rule,
    text: &'a str,
    /// Byte offset in the source.
    at: usize,
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token<'a>>,
    next: usize,
    depth: usize,
    func: Func,
    items: HashMap<Name, Item>,
    /// Names of a `vars` list whose definition has not come yet.
    announced: HashMap<Name, Var>,
}

type Parsed<T> = Result<T, ParseError>;

impl FromStr for Func {
    type Err = ParseError;

    fn from_str(source: &str) -> Parsed<Func> {
        let mut parser = Parser {
            source,
            tokens: tokenise(source)?,
            next: 0,
            depth: 0,
            func: Func::default(),
            items: HashMap::new(),
            announced: HashMap::new(),
        };
        parser.func()?;
        Ok(parser.func)
    }
}

fn tokenise(source: &str) -> Parsed<Vec<Token<'_>>> {
    let pairs = Tokens::parse(Rule::tokens, source).map_err(|error| {
        let (line, column) = match error.line_col {
            pest::error::LineColLocation::Pos(at) | pest::error::LineColLocation::Span(at, _) => at,
        };
        ParseError { message: "this is no token of the loop level".into(), line, column }
    })?;
    let tokens = pairs.flatten().filter(|pair| pair.as_rule() != Rule::tokens);
    Ok(tokens.map(|p| Token { rule: p.as_rule(), text: p.as_str(), at: p.as_span().start() }).collect())
}

/// Removes the quotes and backslashes.
fn unquote(text: &str) -> String {
    let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
    let mut chars = inner.chars();
    let mut plain = String::new();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    plain
}

/// Tokens.
impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied().filter(|token| token.rule != Rule::EOI)
    }

    fn peek_at(&self, ahead: usize) -> &'a str {
        self.tokens.get(self.next + ahead).map_or("", |token| token.text)
    }

    /// An error at the next token.
    fn error<T>(&self, message: impl Into<String>) -> Parsed<T> {
        self.error_at(self.next, message)
    }

    fn error_at<T>(&self, token: usize, message: impl Into<String>) -> Parsed<T> {
        let at = self.tokens.get(token).map_or(self.source.len(), |token| token.at);
        let before = self.source.get(..at).unwrap_or(self.source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Err(ParseError { message: message.into(), line, column })
    }

    fn expected<T>(&self, what: &str) -> Parsed<T> {
        match self.peek() {
            Some(token) => self.error(format!("expected {what}, found `{}`", token.text)),
            None => self.error(format!("expected {what}, found the end")),
        }
    }

    /// Takes the next token if it is the sign or word `text`.
    fn take(&mut self, text: &str) -> bool {
        let found =
            self.peek().is_some_and(|t| t.text == text && matches!(t.rule, Rule::symbol | Rule::name));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Parsed<()> {
        if self.take(text) { Ok(()) } else { self.expected(&format!("`{text}`")) }
    }

    fn name(&mut self) -> Parsed<Name> {
        let name: Name = match self.peek() {
            Some(Token { rule: Rule::name, text, .. }) => text.into(),
            Some(Token { rule: Rule::quoted, text, .. }) => unquote(text).into(),
            _ => return self.expected("a name"),
        };
        self.next += 1;
        Ok(name)
    }

    fn number(&mut self) -> Parsed<usize> {
        match self.peek().filter(|token| token.rule == Rule::number).map(|token| token.text.parse()) {
            Some(Ok(number)) => {
                self.next += 1;
                Ok(number)
            }
            _ => self.expected("a number"),
        }
    }

    fn dtype(&mut self) -> Parsed<Dtype> {
        match self.peek().map(|token| token.text.parse()) {
            Some(Ok(dtype)) => {
                self.next += 1;
                Ok(dtype)
            }
            _ => self.expected("a dtype"),
        }
    }

    /// `open item, item close`, where `open` was taken already.
    fn list<T>(&mut self, close: &str, item: fn(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        if self.take(close) {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.take(close) {
                return Ok(items);
            }
            self.expect(",")?;
        }
    }

    /// Runs `parse` one level deeper; an error beyond the limit.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        // Parentheses that only group are not part of the tree, hence the factor.
        if self.depth >= 2 * MAX_DEPTH {
            return self.error("nested too deeply");
        }
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        result
    }

    /// Enters a name; an error if it is taken.
    fn define(&mut self, name: &Name, item: Item) -> Parsed<()> {
        if self.items.insert(name.clone(), item).is_some() {
            return self.error_at(self.next.saturating_sub(1), format!("`{name}` is defined twice"));
        }
        Ok(())
    }
}

/// Declarations.
impl Parser<'_> {
    fn func(&mut self) -> Parsed<()> {
        self.expect("func")?;
        self.expect("@")?;
        self.func.name = self.name()?.to_string();
        self.expect("(")?;
        self.func.symbols = self.list(")", Self::symbol)?;
        self.expect("{")?;
        while self.declaration()? {}
        self.func.body = self.statements()?;
        if self.peek().is_some() { self.expected("the end") } else { Ok(()) }
    }

    fn symbol(&mut self) -> Parsed<SymbolDecl> {
        let param = !matches!(self.peek_at(1), "," | ")" | "=") && self.take("param");
        let name = self.name()?;
        self.define(&name, Item::Symbol)?;
        let default = if self.take("=") { Some(self.extent(0)?) } else { None };
        Ok(SymbolDecl { name, param, default })
    }

    /// One declaration; `false` if a statement comes next.
    fn declaration(&mut self) -> Parsed<bool> {
        // A word is a keyword only if the next token could not follow a place.
        let word = self.peek().filter(|token| token.rule == Rule::name).map_or("", |token| token.text);
        if ACCUMULATE.iter().any(|(sign, _)| sign.trim_end_matches('=') == self.peek_at(1))
            && self.peek_at(2) == "="
            || matches!(self.peek_at(1), "=" | "[" | "+=" | "*=")
        {
            return Ok(false);
        }
        match word {
            "input" | "output" | "scratch" | "table" => self.buffer()?,
            "arena" => {
                self.next += 1;
                self.func.arena = Some(self.extent(0)?);
            }
            "require" => {
                self.next += 1;
                self.requirement()?;
            }
            "site" => {
                self.next += 1;
                if self.number()? != self.func.checks.len() {
                    return self.error_at(self.next - 1, "sites are numbered in order from 0");
                }
                let (message, span) = self.message()?;
                self.func.checks.push(CheckSite { message, span });
            }
            "vars" => {
                self.next += 1;
                self.expect("{")?;
                self.list("}", Self::announce)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn announce(&mut self) -> Parsed<()> {
        let name = self.name()?;
        self.expect(":")?;
        let dtype = self.dtype()?;
        self.func.vars.push(VarDecl { name: name.clone(), dtype });
        let var = Var(self.func.vars.len() as u32 - 1);
        self.define(&name, Item::Var(var))?;
        self.announced.insert(name, var);
        Ok(())
    }

    fn buffer(&mut self) -> Parsed<()> {
        let role = self.peek_at(0);
        self.next += 1;
        let name = self.name()?;
        self.define(&name, Item::Buffer(BufferId(self.func.buffers.len() as u32)))?;
        self.expect(":")?;
        let dtype = self.dtype()?;
        let extent = |parser: &mut Self| parser.extent(0);
        let extents = if self.take("[") { self.list("]", extent)? } else { Vec::new() };
        let strides = if self.take("strides") {
            self.expect("[")?;
            self.list("]", extent)?
        } else {
            row_major(&extents)
        };
        let private = role == "scratch" && self.take("private");
        let role = match role {
            "input" => Role::Input,
            "output" => Role::Output,
            "table" => Role::Table(Arc::new(self.table(dtype)?)),
            _ => Role::Scratch { offset: if self.take("at") { Some(self.extent(0)?) } else { None } },
        };
        self.func.buffers.push(Buffer { name, dtype, extents, strides, role, private });
        Ok(())
    }

    fn table(&mut self, dtype: Dtype) -> Parsed<Table> {
        self.expect("=")?;
        if self.take("dft") {
            return Ok(Table::Dft);
        }
        self.expect("{")?;
        let mut literals = Vec::new();
        if self.take("}") {
            return Ok(Table::Literals(literals));
        }
        loop {
            literals.push(self.element(dtype)?);
            if self.take("}") {
                return Ok(Table::Literals(literals));
            }
            self.expect(",")?;
        }
    }

    /// An element of a table: a literal without dtype.
    fn element(&mut self, dtype: Dtype) -> Parsed<Literal> {
        match self.literal()? {
            Some((literal, _)) if literal.fits(dtype) => Ok(literal),
            Some((literal, _)) => self.error(format!("`{literal}` is no {dtype}")),
            None => self.expected("a literal"),
        }
    }

    fn requirement(&mut self) -> Parsed<()> {
        let left = self.extent(0)?;
        let relation = match self.peek_at(0) {
            "==" => Relation::Eq,
            "<=" => Relation::Le,
            "divides" => Relation::Divides,
            _ => return self.expected("`==`, `<=` or `divides`"),
        };
        self.next += 1;
        let right = self.extent(0)?;
        let (message, span) = self.message()?;
        self.func.requirements.push(Requirement { left, relation, right, message, span });
        Ok(())
    }

    fn message(&mut self) -> Parsed<(String, Option<(usize, usize)>)> {
        let Some(token) = self.peek().filter(|token| token.rule == Rule::string) else {
            return self.expected("a message in quotes");
        };
        self.next += 1;
        let mut span = None;
        if self.take("@") {
            let start = self.number()?;
            self.expect("..")?;
            span = Some((start, self.number()?));
        }
        Ok((unquote(token.text), span))
    }
}

/// Statements.
impl Parser<'_> {
    /// Statements up to and with the closing brace.
    fn statements(&mut self) -> Parsed<Vec<Stmt>> {
        let mut statements = Vec::new();
        while !self.take("}") {
            statements.push(self.statement()?);
        }
        Ok(statements)
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        self.nested(Self::statements)
    }

    fn statement(&mut self) -> Parsed<Stmt> {
        let second = self.tokens.get(self.next + 1).map(|token| token.rule);
        let second_is_name = matches!(second, Some(Rule::name | Rule::quoted));
        let is_place = matches!(self.peek_at(1), "=" | "[" | "+=" | "*=")
            || self.peek_at(2) == "="
                && ACCUMULATE.iter().any(|row| row.0.strip_suffix('=') == Some(self.peek_at(1)));
        match self.peek_at(0) {
            _ if is_place => self.write(),
            "for" => self.for_loop(LoopKind::Serial),
            "let" if second_is_name => self.binding(),
            "if" => {
                self.next += 1;
                let condition = self.expr(0)?;
                let then = self.block()?;
                let otherwise = if self.take("else") { self.block()? } else { Vec::new() };
                Ok(Stmt::If(condition, then, otherwise))
            }
            "check" => {
                self.next += 1;
                let condition = self.expr(0)?;
                self.expect("site")?;
                Ok(Stmt::Check(condition, self.number()?))
            }
            "contract" if second_is_name => self.contract(),
            word => match LoopKind::TABLE.iter().find(|row| row.1 == word) {
                Some((kind, _)) => {
                    self.next += 1;
                    self.for_loop(*kind)
                }
                None => self.expected("a statement"),
            },
        }
    }

    fn for_loop(&mut self, kind: LoopKind) -> Parsed<Stmt> {
        self.expect("for")?;
        let name = self.name()?;
        self.expect("in")?;
        let lo = self.expr(0)?;
        self.expect("..")?;
        let hi = self.expr(0)?;
        let var = self.variable(name, Dtype::I64)?;
        Ok(Stmt::For(For { var, lo, hi, kind, body: self.block()? }))
    }

    fn contract(&mut self) -> Parsed<Stmt> {
        self.expect("contract")?;
        let mut axes = Vec::new();
        loop {
            let name = self.name()?;
            self.expect("in")?;
            if self.expr(0)?.as_int() != Some(0) {
                return self.expected("an axis from 0");
            }
            self.expect("..")?;
            let extent = self.expr(0)?;
            axes.push((self.variable(name, Dtype::I64)?, extent));
            if !self.take(",") {
                break;
            }
        }
        self.expect(":")?;
        let (target, place) = self.place()?;
        let accumulate = self.take("+=");
        if !accumulate {
            self.expect("=")?;
        }
        match self.expr(0)? {
            Expr::Op(ScalarOp::Mul, _, operands) if operands.len() == 2 => {
                let mut factors = operands.into_iter();
                let mut factor = || factors.next().unwrap_or_else(|| Expr::int(0));
                let (left, right) = (factor(), factor());
                Ok(Stmt::Contract(Contract { axes, accumulate, target, place, left, right }))
            }
            _ => self.expected("a product of two reads"),
        }
    }

    fn binding(&mut self) -> Parsed<Stmt> {
        self.expect("let")?;
        let name = self.name()?;
        self.expect(":")?;
        let dtype = self.dtype()?;
        self.expect("=")?;
        let value = self.expr(0)?;
        Ok(Stmt::Let(self.variable(name, dtype)?, value))
    }

    fn variable(&mut self, name: Name, dtype: Dtype) -> Parsed<Var> {
        if let Some(var) = self.announced.remove(&name) {
            return Ok(var);
        }
        let var = Var(self.func.vars.len() as u32);
        self.func.vars.push(VarDecl { name: name.clone(), dtype });
        self.define(&name, Item::Var(var))?;
        Ok(var)
    }

    /// A buffer and the indices of one of its elements.
    fn place(&mut self) -> Parsed<(BufferId, Vec<Expr>)> {
        let at = self.next;
        let name = self.name()?;
        let Some(Item::Buffer(buffer)) = self.items.get(&name).copied() else {
            return self.error_at(at, format!("`{name}` is no buffer"));
        };
        let indices = if self.take("[") { self.list("]", |parser| parser.expr(0))? } else { Vec::new() };
        Ok((buffer, indices))
    }

    /// A store or an accumulation.
    fn write(&mut self) -> Parsed<Stmt> {
        let (buffer, indices) = self.place()?;
        if self.take("=") {
            return Ok(Stmt::Store(buffer, indices, self.expr(0)?));
        }
        let sign = match self.peek_at(0) {
            sign @ ("+=" | "*=") => sign.to_string(),
            word => {
                self.next += 1;
                format!("{word}{}", self.peek_at(0))
            }
        };
        let Some((_, op)) = ACCUMULATE.iter().find(|row| row.0 == sign) else {
            return self.expected("`=` or an accumulation such as `+=`");
        };
        self.next += 1;
        Ok(Stmt::Accumulate(*op, buffer, indices, self.expr(0)?))
    }
}
