//! What holds of every contraction: which axes are summed, and how its places move along an axis.

use super::{Contract, Expr, Var};
use crate::scalar::ScalarOp;

/// An index that moves by a constant along each of some variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Affine {
    /// The index where all the variables are 0.
    pub base: Expr,
    /// Steps along the variables, in the order in which these were given; 0 where one does not occur.
    pub steps: Vec<i64>,
}

/// An integer expression as an affine function of `vars`; `None` if it is none, or if the steps are not
/// constants.
pub fn affine(index: &Expr, vars: &[Var]) -> Option<Affine> {
    let constant = |base: Expr| Affine { base, steps: vec![0; vars.len()] };
    if let Expr::Var(var) = index
        && let Some(position) = vars.iter().position(|known| known == var)
    {
        let mut result = constant(Expr::int(0));
        result.steps[position] = 1;
        return Some(result);
    }
    if !index.free_vars().iter().any(|var| vars.contains(var)) {
        return Some(constant(index.clone()));
    }
    let Expr::Op(op, _, operands) = index else { return None };
    let [a, b] = operands.as_slice() else { return None };
    let combine = |a: Affine, b: Affine, base: fn(Expr, Expr) -> Expr, sign: i64| {
        let steps = a.steps.iter().zip(&b.steps);
        let steps = steps.map(|(a, b)| a.checked_add(b.checked_mul(sign)?)).collect::<Option<_>>()?;
        Some(Affine { base: base(a.base, b.base), steps })
    };
    match op {
        ScalarOp::Add => combine(affine(a, vars)?, affine(b, vars)?, Expr::add, 1),
        ScalarOp::Sub => combine(affine(a, vars)?, affine(b, vars)?, Expr::sub, -1),
        ScalarOp::Mul => {
            let (inner, factor) = match (a.as_int(), b.as_int()) {
                (_, Some(factor)) => (a, factor),
                (Some(factor), _) => (b, factor),
                (None, None) => return None,
            };
            let inner = affine(inner, vars)?;
            let steps = inner.steps.iter().map(|step| step.checked_mul(factor)).collect::<Option<_>>()?;
            Some(Affine { base: Expr::mul(inner.base, Expr::int(factor)), steps })
        }
        _ => None,
    }
}

impl Contract {
    /// The counters, in order.
    pub fn vars(&self) -> Vec<Var> {
        self.axes.iter().map(|(var, _)| *var).collect()
    }

    /// Whether an axis is summed: no index of the place mentions it.
    pub fn is_summed(&self, var: Var) -> bool {
        !self.place.iter().any(|index| index.mentions(var))
    }

    /// What is wrong with the contraction itself, its parts being well typed; `None`: nothing.
    pub fn error(&self) -> Option<String> {
        let vars = self.vars();
        let own = |expr: &Expr| expr.free_vars().iter().any(|var| vars.contains(var));
        if self.axes.iter().any(|(_, extent)| own(extent)) {
            return Some("the extent of an axis depends on an axis".into());
        }
        for factor in [&self.left, &self.right] {
            let Expr::Load(_, indices) = factor else { return Some("a factor is no load".into()) };
            if indices.iter().any(|index| affine(index, &vars).is_none()) {
                return Some("a factor is read at a place that is not affine in the axes".into());
            }
        }
        let moves = |expr: &Expr| vars.iter().any(|var| expr.mentions(*var));
        if !moves(&self.left) || !moves(&self.right) || !self.place.iter().any(moves) {
            return Some("a factor or the result depends on no axis".into());
        }
        if vars.iter().any(|var| !self.left.mentions(*var) && !self.right.mentions(*var)) {
            return Some("no factor depends on some axis".into());
        }
        let mut seen = vec![false; vars.len()];
        for index in &self.place {
            let Some(index) = affine(index, &vars) else {
                return Some("the place is not affine in the axes".into());
            };
            if self.meets(&index.steps, &mut seen) {
                return Some("points of a contraction write the same place".into());
            }
        }
        None
    }

    /// Whether one index of the place can be equal at different points: its steps must reach, from the
    /// smallest on, beyond all that the smaller ones span. An axis may occur in one index only.
    fn meets(&self, steps: &[i64], seen: &mut [bool]) -> bool {
        let mut moving: Vec<(i64, usize)> = Vec::new();
        for (axis, &step) in steps.iter().enumerate() {
            if step != 0 {
                if std::mem::replace(&mut seen[axis], true) || step < 0 {
                    return true;
                }
                moving.push((step, axis));
            }
        }
        moving.sort_unstable();
        let mut reach: Option<i64> = Some(0);
        for (position, &(step, axis)) in moving.iter().enumerate() {
            if position > 0 && reach.is_none_or(|reach| step <= reach) {
                return true;
            }
            let extent = self.axes[axis].1.as_int();
            reach = reach
                .zip(extent)
                .and_then(|(reach, extent)| reach.checked_add(step.checked_mul((extent - 1).max(0))?));
        }
        false
    }
}
