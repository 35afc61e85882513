//! What is known of every class: its type, its value if it is a number, its sign.
//!
//! The type of a class never changes (equal values have equal types, which `merge` asserts); facts
//! only become more.

use super::language::{AxisId, Operator, Operators, Term};
use egg::{DidMerge, EGraph, Id};
use tcc_ir::graph::{Input, NormaliseOp, TransformOp};
use tcc_ir::scalar::{Literal, ReduceOp, ScalarOp};
use tcc_ir::{Dtype, Kind, Type};

/// The e-graph of a program.
pub type Graphs = EGraph<Term, Knowledge>;

/// The type of a class: an element type and the axes, sorted by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassType {
    /// Element type.
    pub dtype: Dtype,
    /// The free axes.
    pub axes: Vec<AxisId>,
}

/// What is known of a class.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The type.
    pub ty: ClassType,
    /// The number, if it is one without axes.
    pub constant: Option<Literal>,
    /// Every element is a NaN or has no sign (so it is not -0).
    pub non_negative: bool,
    /// Every element is a NaN or greater than 0.
    pub positive: bool,
    /// Some element may be a quotient by 0: infinite although no operand is.
    pub may_divide_by_zero: bool,
}

impl Facts {
    /// Whether no element is 0.
    pub fn is_not_zero(&self) -> bool {
        self.positive
            || match self.constant {
                Some(Literal::Int(value)) => value != 0,
                Some(Literal::Real(value)) => value != 0.0,
                Some(Literal::Complex(re, im)) => re != 0.0 || im != 0.0,
                Some(Literal::Bool(_)) | None => false,
            }
    }
}

/// Context of the analysis: the interned operations and the declarations of the program.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Operations and axes.
    pub operators: Operators,
    inputs: Vec<(ClassType, Option<(Literal, Literal)>)>,
    /// Types of the nodes that are kept as they are, by position in the graph.
    kept: Vec<Option<ClassType>>,
}

impl Knowledge {
    /// The context for programs with these operands and this number of nodes.
    pub fn new(inputs: &[Input], nodes: usize) -> Knowledge {
        let mut knowledge = Knowledge { kept: vec![None; nodes], ..Knowledge::default() };
        for input in inputs {
            let ty = knowledge.class_type(&input.ty);
            knowledge.inputs.push((ty, input.range));
        }
        knowledge
    }

    /// A type with numbered axes.
    pub fn class_type(&mut self, ty: &Type) -> ClassType {
        let mut axes: Vec<AxisId> = ty.axes.iter().map(|axis| self.operators.axis_id(axis)).collect();
        axes.sort_unstable();
        ClassType { dtype: ty.dtype, axes }
    }

    /// Declares the type of a node that is kept as it is.
    pub fn keep(&mut self, position: usize, ty: &Type) {
        let ty = self.class_type(ty);
        if let Some(slot) = self.kept.get_mut(position) {
            *slot = Some(ty);
        }
    }

    /// The union of sorted lists of axes; `None` if two axes share a name.
    pub fn union<'a>(&self, lists: impl IntoIterator<Item = &'a [AxisId]>) -> Option<Vec<AxisId>> {
        let mut union: Vec<AxisId> = Vec::new();
        for list in lists {
            union.extend_from_slice(list);
        }
        union.sort_unstable();
        union.dedup();
        let clash = |(position, &axis): (usize, &AxisId)| {
            let name = &self.operators.axis(axis).name;
            union[..position].iter().any(|&other| self.operators.axis(other).name == *name)
        };
        (!union.iter().enumerate().any(clash)).then_some(union)
    }
}

/// The type of an operation on classes of these types, by the rules of the graph level; `None` if it has
/// none.
pub fn infer(knowledge: &Knowledge, operator: &Operator, operands: &[&ClassType]) -> Option<ClassType> {
    let of = |dtype: Dtype, mut axes: Vec<AxisId>| {
        axes.sort_unstable();
        Some(ClassType { dtype, axes })
    };
    let union = |types: &[&ClassType]| knowledge.union(types.iter().map(|ty| ty.axes.as_slice()));
    match operator {
        Operator::Input(position) => knowledge.inputs.get(*position).map(|input| input.0.clone()),
        Operator::Const(_, dtype) => of(*dtype, Vec::new()),
        Operator::Table(_, dtype, axes) => of(*dtype, axes.clone()),
        Operator::Index(axis) => of(Dtype::I64, vec![*axis]),
        Operator::Size(_) => of(Dtype::I64, Vec::new()),
        Operator::Map(op, cast) => {
            let dtypes: Vec<Dtype> = operands.iter().map(|ty| ty.dtype).collect();
            let dtype = match cast {
                Some(dtype) => *dtype,
                None => op.result_dtype(&dtypes)?,
            };
            of(dtype, union(operands)?)
        }
        Operator::Reduce(op, axes) => {
            let ty = operands.first()?;
            of(op.result_dtype(ty.dtype)?, without(&ty.axes, axes)?)
        }
        Operator::Contract(axes) => {
            let (a, b) = (operands.first()?, operands.get(1)?);
            (a.dtype == b.dtype).then_some(())?;
            of(ReduceOp::Sum.result_dtype(a.dtype)?, without(&union(operands)?, axes)?)
        }
        Operator::Access(axes, outside) => {
            let (source, indices) = operands.split_first()?;
            let places = &indices[..indices.len().checked_sub(usize::from(*outside))?];
            let mut known = axes.clone();
            known.sort_unstable();
            let fits = known == source.axes
                && places.len() == axes.len()
                && places.iter().all(|ty| ty.dtype.is_int())
                && indices[places.len()..].iter().all(|ty| ty.dtype == source.dtype);
            if fits { of(source.dtype, union(indices)?) } else { None }
        }
        Operator::Scatter(op, axes) => {
            let (value, indices) = operands.split_last()?;
            union(operands)?;
            knowledge.union([axes.as_slice()])?;
            let fits = indices.len() == axes.len() && indices.iter().all(|ty| ty.dtype.is_int());
            if fits { of(op.result_dtype(value.dtype)?, axes.clone()) } else { None }
        }
        Operator::Normalise(op, axes) => {
            let ty = operands.first()?;
            let rest = without(&ty.axes, axes)?;
            ty.dtype.is_float().then_some(())?;
            match op {
                NormaliseOp::Softmax => Some((*ty).clone()),
                NormaliseOp::LogSumExp => of(ty.dtype, rest),
            }
        }
        Operator::Transform(op, pairs) => {
            let ty = operands.first()?;
            let from: Vec<AxisId> = pairs.iter().map(|pair| pair.0).collect();
            let mut axes = without(&ty.axes, &from)?;
            axes.extend(pairs.iter().map(|pair| pair.1));
            let dtype = match (op, ty.dtype) {
                (TransformOp::Fft | TransformOp::Ifft, Dtype::C64 | Dtype::C128) => ty.dtype,
                (TransformOp::Rfft, Dtype::F32) => Dtype::C64,
                (TransformOp::Rfft, Dtype::F64) => Dtype::C128,
                (TransformOp::Irfft, Dtype::C64 | Dtype::C128) => ty.dtype.part(),
                _ => return None,
            };
            of(dtype, knowledge.union([axes.as_slice()])?)
        }
        Operator::Kept(value) => knowledge.kept.get(value.index())?.clone(),
    }
}

/// `axes` without `gone`, all of which it must contain; at least one.
fn without(axes: &[AxisId], gone: &[AxisId]) -> Option<Vec<AxisId>> {
    let fits = !gone.is_empty() && gone.iter().all(|axis| axes.contains(axis));
    fits.then(|| axes.iter().filter(|axis| !gone.contains(axis)).copied().collect())
}

impl egg::Analysis<Term> for Knowledge {
    type Data = Facts;

    fn make(graphs: &mut Graphs, term: &Term, _: Id) -> Facts {
        let operands: Vec<&Facts> = term.operands.iter().map(|&operand| &graphs[operand].data).collect();
        let types: Vec<&ClassType> = operands.iter().map(|facts| &facts.ty).collect();
        let operator = graphs.analysis.operators.of(term);
        // Only typed terms are added; a value without axes stands for one that is not.
        let ty = infer(&graphs.analysis, operator, &types)
            .unwrap_or(ClassType { dtype: Dtype::Bool, axes: Vec::new() });
        let (non_negative, positive) = sign(&graphs.analysis, operator, &ty, &term.operands, &operands);
        let constant = match operator {
            Operator::Const(literal, _) => Some(*literal),
            Operator::Size(extent) => extent.as_const().map(Literal::Int),
            _ => None,
        };
        let may_divide_by_zero = match operator {
            Operator::Map(ScalarOp::Div, _) => {
                operands[0].may_divide_by_zero
                    || !operands.get(1).is_some_and(|divisor| divisor.is_not_zero())
            }
            Operator::Map(ScalarOp::Log | ScalarOp::Pow, _) => !ty.dtype.is_int(),
            Operator::Map(..) => operands.iter().any(|facts| facts.may_divide_by_zero),
            _ => false,
        };
        Facts { ty, constant, non_negative: non_negative || positive, positive, may_divide_by_zero }
    }

    fn merge(&mut self, a: &mut Facts, b: Facts) -> DidMerge {
        debug_assert_eq!(a.ty, b.ty, "values of different types are equal");
        let known = |facts: &Facts| {
            (facts.constant.is_some(), facts.non_negative, facts.positive, facts.may_divide_by_zero)
        };
        let (before, other) = (known(a), known(&b));
        a.constant = a.constant.or(b.constant);
        a.non_negative |= b.non_negative;
        a.positive |= b.positive;
        // One way to compute the value that does not divide is enough.
        a.may_divide_by_zero &= b.may_divide_by_zero;
        let after = known(a);
        DidMerge(after != before, after != other)
    }
}

/// Whether every element has no sign, and whether it is greater than 0.
fn sign(
    knowledge: &Knowledge,
    operator: &Operator,
    ty: &ClassType,
    classes: &[Id],
    operands: &[&Facts],
) -> (bool, bool) {
    if ty.dtype.kind() != Kind::Float {
        return (false, false);
    }
    let of_literal = |literal: Literal| match literal {
        Literal::Real(value) => (value.is_sign_positive(), value > 0.0),
        Literal::Bool(_) | Literal::Int(_) | Literal::Complex(..) => (false, false),
    };
    let is = |position: usize| {
        operands.get(position).map_or((false, false), |facts| (facts.non_negative, facts.positive))
    };
    let both = |a: (bool, bool), b: (bool, bool)| (a.0 && b.0, a.1 && b.1);
    match operator {
        Operator::Const(literal, _) => of_literal(*literal),
        Operator::Input(position) => match knowledge.inputs.get(*position).and_then(|input| input.1) {
            // A range may contain -0 where it contains 0.
            Some((low, _)) => (of_literal(low).1, of_literal(low).1),
            None => (false, false),
        },
        Operator::Map(op, _) => match op {
            ScalarOp::Exp | ScalarOp::Abs => (true, false),
            ScalarOp::Cosh => (true, true),
            ScalarOp::Mul if classes.first() == classes.get(1) => (true, false),
            // A product of small numbers is 0.
            ScalarOp::Mul => (is(0).0 && is(1).0, false),
            ScalarOp::Div => (is(0).0 && is(1).0, false),
            ScalarOp::Add => (is(0).0 && is(1).0, is(0).0 && is(1).0 && (is(0).1 || is(1).1)),
            ScalarOp::Max => (is(0).0 || is(1).0, is(0).1 || is(1).1),
            ScalarOp::Min => both(is(0), is(1)),
            ScalarOp::Sqrt => is(0),
            ScalarOp::Select => both(is(1), is(2)),
            _ => (false, false),
        },
        Operator::Reduce(ReduceOp::Sum | ReduceOp::Min, _) => (is(0).0, false),
        Operator::Reduce(ReduceOp::Prod, _) => (is(0).0, false),
        Operator::Normalise(NormaliseOp::Softmax, _) => (true, false),
        _ => (false, false),
    }
}
