//! Expressions: operands between signs, grouped by how strongly the signs bind.

use super::{Item, Parsed, Parser, Rule};
use crate::dtype::Dtype;
use crate::loops::Expr;
use crate::loops::text::INFIX;
use crate::scalar::ScalarOp;

impl Parser<'_> {
    /// An expression of signs that bind at least as strongly as `strength`.
    pub(super) fn expr(&mut self, strength: u8) -> Parsed<Expr> {
        let mut left = self.operand()?;
        loop {
            let at = self.next;
            let sign = self.peek_at(0);
            let Some((_, op, binds)) = INFIX.iter().find(|row| row.0 == sign && row.2 >= strength) else {
                return Ok(left);
            };
            self.next += 1;
            let right = self.nested(|parser| parser.expr(binds + 1))?;
            left = self.operation(at, *op, vec![left, right])?;
        }
    }

    fn operation(&self, at: usize, op: ScalarOp, operands: Vec<Expr>) -> Parsed<Expr> {
        let dtypes: Vec<Dtype> = operands.iter().map(|operand| self.func.dtype(operand)).collect();
        match op.result_dtype(&dtypes) {
            Some(dtype) => Ok(Expr::Op(op, dtype, operands)),
            None => {
                let names: Vec<&str> = dtypes.iter().map(|dtype| dtype.name()).collect();
                self.error_at(at, format!("`{op}` does not take operands ({})", names.join(", ")))
            }
        }
    }

    fn operand(&mut self) -> Parsed<Expr> {
        if let Some((literal, dtype)) = self.literal()? {
            return if literal.fits(dtype) {
                Ok(Expr::Const(literal, dtype))
            } else {
                self.error_at(self.next - 1, format!("`{literal}` is no {dtype}"))
            };
        }
        if self.take("(") {
            let inner = self.nested(|parser| parser.expr(0))?;
            self.expect(")")?;
            return Ok(inner);
        }
        if self.peek_at(1) == "(" && self.peek().is_some_and(|token| token.rule == Rule::name) {
            return self.call();
        }
        let at = self.next;
        let name = self.name()?;
        match self.items.get(&name) {
            Some(Item::Symbol) => Ok(Expr::Symbol(name)),
            Some(Item::Var(var)) => Ok(Expr::Var(*var)),
            Some(Item::Buffer(buffer)) => {
                let buffer = *buffer;
                if !self.take("[") {
                    return Ok(Expr::Load(buffer, Vec::new()));
                }
                let indices = self.nested(|parser| parser.list("]", |parser| parser.expr(0)))?;
                Ok(Expr::Load(buffer, indices))
            }
            None => self.error_at(at, format!("`{name}` is not defined")),
        }
    }

    fn call(&mut self) -> Parsed<Expr> {
        let (at, word) = (self.next, self.peek_at(0));
        self.next += 2;
        let operands = self.nested(|parser| parser.list(")", |parser| parser.expr(0)))?;
        match (word.parse::<Dtype>(), ScalarOp::from_name(word)) {
            (Ok(dtype), _) if operands.len() == 1 => Ok(Expr::Op(ScalarOp::Cast, dtype, operands)),
            (Ok(_), _) => self.error_at(at, "a cast has one operand"),
            (Err(()), Some(op)) => self.operation(at, op, operands),
            (Err(()), None) => self.error_at(at, format!("there is no operation `{word}`")),
        }
    }
}
