//! Recognises contractions, so that backends can run them by kernels of their own.
//!
//! ```text
//! for i in 0..n { for j in 0..m {
//!   acc = 0.0
//!   for k in 0..p { acc += A[i, k] * B[k, j] }
//!   C[i, j] = acc / 2.0
//! } }
//!   -->
//! contract i in 0..n, j in 0..m, k in 0..p: C[i, j] = A[i, k] * B[k, j]
//! for i.1 in 0..n { for j.1 in 0..m { C[i.1, j.1] = C[i.1, j.1] / 2.0 } }
//! ```
//!
//! Each factor has an axis of the result that the other one lacks; or one is a vector, and the other a
//! matrix whose fastest axis is one of the result. (Along a summed one, plain loops serve as well.) The
//! summed axes are put in the order of their strides.
//!
//! Terms are combined by fused multiply-adds in another order than the loops have: needs the contract
//! `reassoc` for floats.

use crate::{Changed, Contract as Rounding, PassContext};
use std::collections::BTreeMap;
use tcc_ir::Dtype;
use tcc_ir::loops::{BufferId, Contract, Expr, For, Func, LoopKind, Stmt, Var, affine, walk_block};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};

/// Contractions of at most this many products (if the extents are constants) stay loops.
pub const SMALLEST: i64 = 512;

/// Replaces nests by contractions.
pub fn run(func: &mut Func, context: &PassContext) -> Changed {
    let mut body = std::mem::take(&mut func.body);
    let registers = register_uses(func, &body);
    let mut recogniser = Recogniser { func, context, registers, changed: false };
    recogniser.block(&mut body);
    let changed = recogniser.changed;
    func.body = body;
    Changed::from(changed)
}

/// How often each register is read and written.
fn register_uses(func: &Func, body: &[Stmt]) -> BTreeMap<BufferId, usize> {
    let mut uses: BTreeMap<BufferId, usize> = BTreeMap::new();
    let mut count = |buffer: BufferId| {
        if func.buffer(buffer).is_register() {
            *uses.entry(buffer).or_default() += 1;
        }
    };
    walk_block(body, &mut |stmt| {
        if let Some(write) = stmt.write() {
            count(write.buffer);
        }
        for expr in stmt.exprs() {
            expr.walk(&mut |part| {
                if let Expr::Load(buffer, _) = part {
                    count(*buffer);
                }
            });
        }
    });
    uses
}

struct Recogniser<'a> {
    func: &'a mut Func,
    context: &'a PassContext,
    registers: BTreeMap<BufferId, usize>,
    changed: bool,
}

/// A nest whose innermost block sums products into a register.
struct Nest {
    free: Vec<(Var, Expr)>,
    summed: Vec<(Var, Expr)>,
    target: BufferId,
    place: Vec<Expr>,
    left: Expr,
    right: Expr,
    /// What is stored, as a function of the register.
    result: Expr,
    register: BufferId,
}

impl Recogniser<'_> {
    fn block(&mut self, block: &mut Vec<Stmt>) {
        for stmt in std::mem::take(block) {
            match self.replacement(&stmt) {
                Some(replacement) if self.context.spend() => {
                    self.changed = true;
                    block.extend(replacement);
                }
                _ => block.push(stmt),
            }
        }
        block.iter_mut().flat_map(Stmt::blocks_mut).for_each(|inner| self.block(inner));
    }

    fn replacement(&mut self, stmt: &Stmt) -> Option<Vec<Stmt>> {
        let nest = nest(stmt)?;
        if self.registers.get(&nest.register) != Some(&3) || !self.is_worthwhile(&nest) {
            return None;
        }
        let Nest { free, target, place, left, right, result, register, .. } = nest;
        let dtype = self.func.buffer(target).dtype;
        let same = [&left, &right].iter().all(|factor| self.func.dtype(factor) == dtype);
        let supported = match dtype {
            Dtype::Bool | Dtype::F16 | Dtype::BF16 => false,
            Dtype::U8 | Dtype::U32 | Dtype::I32 | Dtype::I64 => true,
            Dtype::F32 | Dtype::F64 | Dtype::C64 | Dtype::C128 => self.context.contract >= Rounding::Reassoc,
        };
        if !same || !supported || result.reads().contains(&target) {
            return None;
        }
        let mut summed = nest.summed;
        summed.sort_by_cached_key(|(var, _)| {
            let strides = [&left, &right].map(|factor| self.stride(factor, *var));
            std::cmp::Reverse(strides.into_iter().min())
        });
        let axes: Vec<(Var, Expr)> = free.iter().cloned().chain(summed).collect();
        let contract = Contract { axes, accumulate: false, target, place: place.clone(), left, right };
        if contract.error().is_some() || free.iter().any(|(var, _)| contract.is_summed(*var)) {
            return None;
        }
        let mut statements = vec![Stmt::Contract(contract)];
        if result != Expr::Load(register, Vec::new()) {
            statements.push(self.epilogue(&free, target, &place, result, register));
        }
        Some(statements)
    }

    /// The nest that makes the results of the sums.
    fn epilogue(
        &mut self,
        free: &[(Var, Expr)],
        target: BufferId,
        place: &[Expr],
        mut result: Expr,
        register: BufferId,
    ) -> Stmt {
        result.map(&mut |expr| match expr {
            Expr::Load(buffer, _) if buffer == register => Expr::Load(target, place.to_vec()),
            expr => expr,
        });
        let store = Stmt::Store(target, place.to_vec(), result);
        let nest = free
            .iter()
            .rev()
            .fold(store, |body, (var, extent)| Stmt::serial(*var, Expr::int(0), extent.clone(), vec![body]));
        // The loops have the variables of the contraction: give them their own.
        let mut copy = self.func.copy_fresh(std::slice::from_ref(&nest));
        copy.pop().unwrap_or(nest)
    }

    /// Whether kernels do better than loops.
    fn is_worthwhile(&self, nest: &Nest) -> bool {
        let own = |factor: &Expr, other: &Expr| {
            nest.free.iter().any(|(var, _)| factor.mentions(*var) && !other.mentions(*var))
        };
        let volume = nest
            .free
            .iter()
            .chain(&nest.summed)
            .try_fold(1i64, |volume, (_, extent)| Some(volume.saturating_mul(extent.as_int()?)));
        let matrix_and_vector = |matrix: &Expr, vector: &Expr| {
            let fastest = nest.free.iter().find(|(var, _)| self.stride(matrix, *var) == 1);
            own(matrix, vector) && fastest.is_some_and(|(var, _)| !vector.mentions(*var))
        };
        let (left, right) = (&nest.left, &nest.right);
        let fits = own(left, right) && own(right, left)
            || matrix_and_vector(left, right)
            || matrix_and_vector(right, left);
        fits && volume.is_none_or(|volume| volume > SMALLEST)
    }

    /// How far a factor moves along an axis, in elements; the largest number if it does not, or if that is
    /// not known.
    fn stride(&self, factor: &Expr, var: Var) -> i64 {
        let Expr::Load(buffer, indices) = factor else { return i64::MAX };
        let strides = &self.func.buffer(*buffer).strides;
        let moved = indices.iter().zip(strides).try_fold(0i64, |sum, (index, stride)| {
            let step = affine(index, &[var])?.steps.first().copied()?;
            if step == 0 {
                return Some(sum);
            }
            Some(sum.saturating_add(step.saturating_mul(stride.as_const()?)))
        });
        match moved {
            Some(0) | None => i64::MAX,
            Some(moved) => moved.saturating_abs(),
        }
    }
}

/// The serial loops from 0 that `stmt` consists of, and what the innermost one holds.
fn chain(stmt: &Stmt) -> (Vec<(Var, Expr)>, &[Stmt]) {
    let mut axes: Vec<(Var, Expr)> = Vec::new();
    let mut block = std::slice::from_ref(stmt);
    while let [Stmt::For(For { var, lo, hi, kind: LoopKind::Serial, body })] = block {
        let depends = axes.iter().any(|(outer, _)| hi.mentions(*outer));
        if lo.as_int() != Some(0) || depends || !hi.reads().is_empty() {
            break;
        }
        axes.push((*var, hi.clone()));
        block = body;
    }
    (axes, block)
}

/// The nest, if `stmt` is one.
fn nest(stmt: &Stmt) -> Option<Nest> {
    let (free, block) = chain(stmt);
    let [Stmt::Store(register, at, zero), sum, Stmt::Store(target, place, result)] = block else {
        return None;
    };
    let (summed, innermost) = chain(sum);
    let [Stmt::Accumulate(ReduceOp::Sum, into, _, Expr::Op(ScalarOp::Mul, _, factors))] = innermost else {
        return None;
    };
    let [left @ Expr::Load(..), right @ Expr::Load(..)] = factors.as_slice() else { return None };
    let is_zero =
        matches!(zero, Expr::Const(literal, dtype) if *literal == Literal::identity(ReduceOp::Sum, *dtype));
    let reads = result.reads();
    let ok = into == register
        && at.is_empty()
        && is_zero
        && !free.is_empty()
        && !summed.is_empty()
        && reads.contains(register)
        && summed.iter().all(|(_, extent)| !free.iter().any(|(var, _)| extent.mentions(*var)));
    ok.then(|| Nest {
        free,
        summed,
        target: *target,
        place: place.clone(),
        left: left.clone(),
        right: right.clone(),
        result: result.clone(),
        register: *register,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tcc_ir::Ir;

    fn contracted(text: &str) -> String {
        let mut func: Func = text.parse().unwrap();
        assert_eq!(func.verify(), Ok(()));
        run(&mut func, &PassContext::default());
        assert_eq!(func.verify(), Ok(()), "{func}");
        func.to_string()
    }

    const PRODUCT: &str = "func @product(n, m, p) {
        input A: f32[n, p]
        input B: f32[p, m]
        output C: f32[n, m]
        scratch acc: f32
        for i in 0..n { for j in 0..m {
            acc = 0.0f32
            for k in 0..p { acc += A[i, k] * B[k, j] }
            C[i, j] = acc
        } }
    }";

    #[test]
    fn a_product_of_matrices_is_a_contraction() {
        let text = contracted(PRODUCT);
        assert!(
            text.contains("contract i in 0..n, j in 0..m, k in 0..p: C[i, j] = A[i, k] * B[k, j]"),
            "{text}"
        );
        assert_eq!(text.parse::<Func>().unwrap().to_string(), text);
    }

    #[test]
    fn what_follows_the_sum_is_a_nest_of_its_own() {
        let text = contracted(&PRODUCT.replace("= acc\n", "= acc / 2.0f32\n"));
        assert!(text.contains("C[i.1, j.1] = C[i.1, j.1] / 2.0f32"), "{text}");
    }

    #[test]
    fn rows_of_a_triangle_are_products_with_a_matrix() {
        let text = contracted(&PRODUCT.replace("0..p", "0..i"));
        assert!(text.contains("contract j in 0..m, k in 0..i: C[i, j] = A[i, k] * B[k, j]"), "{text}");
    }

    #[test]
    fn other_sums_stay_loops() {
        for (from, to) in [
            ("B[k, j]", "B[k, 0]"),           // a vector
            ("acc = 0.0f32", "acc = 1.0f32"), // something to start with
            ("A[i, k] * B[k, j]", "A[i, k] + B[k, j]"),
        ] {
            let text = contracted(&PRODUCT.replace(from, to));
            assert!(!text.contains("contract"), "{from} -> {to}: {text}");
        }
    }
}
