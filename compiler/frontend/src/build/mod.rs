//! From resolved equations to the graph.

mod access;
mod arithmetic;
mod body;
mod builder;
mod call;
mod complex;
mod equation;
mod group;
mod guard;
mod implied;
mod operands;
mod program;
mod recur;
mod reduce;
mod scatter;
mod transform;
mod value;

pub(crate) use program::program;
