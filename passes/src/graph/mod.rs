//! Graph passes: one file each. None of them knows layout.

pub mod canonicalize;
pub mod contraction_order;
pub mod cse;
pub mod dce;
pub mod defer_normalisation;
pub mod fold;
pub mod rename_axes;
mod rewrite;
pub mod specialise;

use crate::Pass;
use tcc_ir::graph::Graph;

/// All passes over graphs.
pub static GRAPH_PASSES: &[Pass<Graph>] = &[
    Pass {
        name: "canonicalize",
        about: "bring operations and accesses into one of their equal forms, the cheapest",
        params: &[],
        required: false,
        run: canonicalize::run,
    },
    Pass {
        name: "rename_axes",
        about: "name the axes of values as their users do",
        params: &[],
        required: false,
        run: rename_axes::run,
    },
    Pass {
        name: "fold",
        about: "compute operations on constants",
        params: &[],
        required: false,
        run: fold::run,
    },
    Pass { name: "cse", about: "compute equal values once", params: &[], required: false, run: cse::run },
    Pass {
        name: "dce",
        about: "drop values that nothing needs and checks that always hold",
        params: &[],
        required: false,
        run: dce::run,
    },
    Pass {
        name: "defer_normalisation",
        about: "normalise a sum weighted by a softmax after the sum",
        params: &[],
        required: false,
        run: defer_normalisation::run,
    },
    Pass {
        name: "contraction_order",
        about: "turn products of many factors under sums into trees of products of two",
        params: &[],
        required: false,
        run: contraction_order::run,
    },
    Pass {
        name: "saturate",
        about: "find equal forms by rules and take the cheapest (`tcc passes --rules` lists the rules)",
        params: &[],
        required: false,
        run: crate::egraph::run,
    },
    Pass {
        name: "specialise",
        about: "replace sizes and parameters that are known by their values",
        params: &[],
        required: false,
        run: specialise::run,
    },
];
