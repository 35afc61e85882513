//! Loop passes: one file each.

pub mod block;
pub mod contract;
mod copy;
pub mod count;
pub mod estimate;
pub mod expand_math;
pub mod fuse;
mod growth;
pub mod hoist;
pub mod in_place;
mod index;
pub mod interchange;
pub mod parallel;
pub mod reuse_buffers;
pub mod scan;
pub mod simplify;
#[cfg(test)]
mod testing;
pub mod tile;
pub mod unroll;
mod unused;
pub mod vectorize;

use crate::{Param, Pass};
use tcc_ir::loops::Func;

/// All passes over functions.
pub static LOOP_PASSES: &[Pass<Func>] = &[
    Pass {
        name: "contract",
        about: "recognise contractions, which backends have kernels for",
        params: &[],
        required: false,
        run: contract::run,
    },
    Pass {
        name: "in_place",
        about: "write where an elementwise nest before a contraction reads for the last time",
        params: &[],
        required: false,
        run: in_place::run,
    },
    Pass {
        name: "block",
        about: "run what makes and what reads a large intermediate in blocks of its rows",
        params: &[Param { name: "kib", default: 1024, choices: &[16, 64, 256, 1024] }],
        required: false,
        run: |func, context| parallel::kept(func, context, block::run),
    },
    Pass {
        name: "scan",
        about: "combine steps of a recurrence in vectors before its state is known",
        params: &[],
        required: false,
        run: |func, context| parallel::kept(func, context, scan::run),
    },
    Pass {
        name: "fuse",
        about: "merge neighbouring loops over the same range",
        params: &[],
        required: false,
        run: |func, context| parallel::kept(func, context, fuse::run),
    },
    Pass {
        name: "simplify",
        about: "decide what loop bounds decide, drop what nobody reads",
        params: &[],
        required: false,
        run: |func, context| parallel::kept(func, context, simplify::run),
    },
    Pass {
        name: "hoist",
        about: "compute what does not change in a loop before it",
        params: &[],
        required: false,
        run: |func, context| parallel::kept(func, context, hoist::run),
    },
    Pass {
        name: "interchange",
        about: "put the loop with unit strides innermost",
        params: &[],
        required: false,
        run: |func, context| parallel::kept(func, context, interchange::run),
    },
    Pass {
        name: "tile",
        about: "split loops into blocks",
        params: &[Param { name: "size", default: 32, choices: &[4, 8, 16, 32, 64] }],
        required: false,
        run: |func, context| parallel::kept(func, context, tile::run),
    },
    Pass {
        name: "vectorize",
        about: "run blocks of innermost loops as the lanes of vectors",
        params: &[Param { name: "lanes", default: 16, choices: &[2, 4, 8, 16, 32] }],
        required: false,
        run: |func, context| parallel::kept(func, context, vectorize::run),
    },
    Pass {
        name: "unroll",
        about: "repeat the body of short loops",
        params: &[Param { name: "factor", default: 4, choices: &[2, 4, 8, 16] }],
        required: false,
        run: |func, context| parallel::kept(func, context, unroll::run),
    },
    Pass {
        name: "parallel",
        about: "run independent iterations of long loops on several threads",
        params: &[Param { name: "kilocycles", default: parallel::LEAST, choices: &[1, 10, 150] }],
        required: false,
        run: parallel::run,
    },
    Pass {
        name: "expand_math",
        about: "replace exp, log, sin, .. by polynomials in basic operations",
        params: &[],
        required: true,
        run: expand_math::run,
    },
    Pass {
        name: "reuse_buffers",
        about: "give every scratch buffer a place in one arena, shared by buffers not live together",
        params: &[],
        required: true,
        run: reuse_buffers::run,
    },
];
