//! The kernels of each instruction set and element type, as data.

use crate::batched::{Batched, BatchedFn, BatchedTask};
use crate::detect::InstructionSet;
use crate::element::ElementType;
use crate::gemv::{Gemv, GemvFn, GemvTask};
use crate::kernel::{
    ANY, PANELS, ROWS, Scatter, ScatterFn, ScatterTask, StreamFn, StreamTask, Tile, TileFn, TileTask,
};
use crate::lanes::{Lanes, LanesFn, LanesTask, put};
use crate::pack::{PackFn, PackTask, Panel, Plane, PlaneFn, PlaneTask, Transpose};
use crate::quads::{Quads, QuadsFn, QuadsTask};
use crate::vector::portable::Portable;
use crate::vector::{Machine, Vector};
use core::marker::PhantomData;

/// The kernels for one element type on one instruction set.
pub struct Kernels {
    /// Bytes per element.
    pub bytes: usize,
    /// Elements per vector.
    pub len: usize,
    /// The largest number of columns of a tile, by its number of vectors less one; 0: no such tile.
    pub columns: [usize; 3],
    /// Tiles by vectors less one and columns less one: any strides, full vectors.
    pub tiles: [[Option<TileFn>; 24]; 3],
    /// The same, the last vector not full.
    pub tails: [[Option<TileFn>; 24]; 3],
    /// The largest tile of each number of vectors, on packed panels.
    pub packed: [Option<TileFn>; 3],
    /// One and two vectors by eight columns, on packed panels: what is left beside three vectors.
    pub eight: [Option<TileFn>; 2],
    /// Eight columns that are contiguous along the sum, by vectors less one, the last of any size.
    pub rows: [Option<TileFn>; 3],
    /// Spreads a tile.
    pub scatter: ScatterFn,
    /// The side of the squares that packing transposes in registers; 1: there is none.
    pub side: usize,
    /// Writes past the caches.
    pub stream: StreamFn,
    /// Packs panels together.
    pub plane: PlaneFn,
    /// Deals a sum to lanes.
    pub lanes: LanesFn,
    /// A matrix by 1, 2, 4 and 8 vectors.
    pub gemv: [GemvFn; 4],
    /// Batches in vectors.
    pub batched: BatchedFn,
    /// Batches of products with matrices of four by four, if there is a kernel.
    pub quads: Option<QuadsFn>,
    /// Stores or adds one element.
    pub put: unsafe fn(*const u8, *mut u8, bool),
    /// Packs a panel.
    pub pack: PackFn,
}

/// Calls the tile kernel.
///
/// # Safety
/// As [`Tile`] says, on a processor with the machine's instructions.
unsafe fn tile<
    M: Machine,
    V: Vector,
    const VECTORS: usize,
    const COLUMNS: usize,
    const TAIL: bool,
    const KNOWN: u8,
>(
    tile: &Tile,
) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&TileTask::<V, VECTORS, COLUMNS, TAIL, KNOWN>(tile, PhantomData)) }
}

/// Calls the scatter kernel.
///
/// # Safety
/// As [`Scatter`] says, on a processor with the machine's instructions.
unsafe fn scatter<M: Machine, V: Vector>(task: &Scatter) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&ScatterTask::<V>(task, PhantomData)) }
}

/// Calls the packing kernel.
///
/// # Safety
/// As [`Panel`] says, on a processor with the machine's instructions.
unsafe fn pack<M: Machine, V: Transpose, const UNITS: usize>(panel: &Panel) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&PackTask::<M, V, UNITS>(panel, PhantomData)) }
}

/// Calls the lanes kernel.
///
/// # Safety
/// As [`Lanes`] says, on a processor with the machine's instructions.
unsafe fn lanes<M: Machine, V: Vector>(task: &Lanes) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&LanesTask::<V>(task, PhantomData)) }
}

/// Calls the matrix-vector kernel.
///
/// # Safety
/// As [`Gemv`] says, on a processor with the machine's instructions.
unsafe fn gemv<M: Machine, V: Vector, const COLUMNS: usize>(task: &Gemv) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&GemvTask::<V, COLUMNS>(task, PhantomData)) }
}

/// Calls the kernel for batches.
///
/// # Safety
/// As [`Batched`] says, on a processor with the machine's instructions.
unsafe fn batched<M: Machine, V: Vector>(task: &Batched) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&BatchedTask::<V>(task, PhantomData)) }
}

/// Calls the kernel for batches of products with matrices of four by four.
///
/// # Safety
/// As [`Quads`] says, on a processor with the machine's instructions.
unsafe fn quads<M: Machine, V: Vector>(task: &Quads) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&QuadsTask::<V>(task, PhantomData)) }
}

/// Calls the kernel that packs panels together.
///
/// # Safety
/// As [`Plane`] says, on a processor with the machine's instructions; the elements are `V`'s.
unsafe fn plane<M: Machine, V: Transpose>(task: &Plane) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&PlaneTask::<M, V>(task, PhantomData)) }
}

/// Calls the kernel that writes past the caches.
///
/// # Safety
/// As `vector::stream`, on a processor with the machine's instructions.
unsafe fn stream<M: Machine, V: Vector>(from: *const u8, to: *mut u8, bytes: usize) {
    // SAFETY: the caller's promise.
    unsafe { M::enter(&StreamTask::<V>(from, to, bytes, PhantomData)) }
}

/// What moves elements of a type: vectors of the same size, and how many of theirs make one.
macro_rules! movers {
    (@units C128) => {
        2
    };
    (@units C128Swapped) => {
        2
    };
    (@units $other:ident) => {
        1
    };
    ($machine:ty, F32) => {
        <$machine as Machine>::F32
    };
    ($machine:ty, I32) => {
        <$machine as Machine>::F32
    };
    ($machine:ty, U8) => {
        <$machine as Machine>::U8
    };
    ($machine:ty, $other:ident) => {
        <$machine as Machine>::F64
    };
}

/// A row of tiles, one for each number of columns listed.
macro_rules! tiles {
    ($machine:ty, $vector:ty, $vectors:literal, $tail:expr, [$($columns:literal)*]) => {{
        #[allow(unused_mut)] // a row may be empty
        let mut row: [Option<TileFn>; 24] = [None; 24];
        $(row[$columns - 1] = Some(tile::<$machine, $vector, $vectors, $columns, { $tail }, ANY>);)*
        row
    }};
}

macro_rules! kernels {
    ($machine:ty, $vector:ident, $one:tt $one_most:tt, $two:tt $two_most:tt, $three:tt $three_most:tt) => {{
        type V = <$machine as Machine>::$vector;
        const FREE: bool = <V as Vector>::PARTS_ARE_FREE;
        static TABLE: Kernels = Kernels {
            bytes: size_of::<<V as Vector>::Element>(),
            len: <V as Vector>::LEN,
            columns: [$one_most, $two_most, $three_most],
            tiles: [
                tiles!($machine, V, 1, FREE, $one),
                tiles!($machine, V, 2, FREE, $two),
                tiles!($machine, V, 3, FREE, $three),
            ],
            tails: [
                tiles!($machine, V, 1, true, $one),
                tiles!($machine, V, 2, true, $two),
                tiles!($machine, V, 3, true, $three),
            ],
            packed: [
            kernels!(@packed $machine, V, 1, $one_most),
            kernels!(@packed $machine, V, 2, $two_most),
            kernels!(@packed $machine, V, 3, $three_most),
            ],
            eight: [
            kernels!(@eight $machine, V, 1, $three_most),
            kernels!(@eight $machine, V, 2, $three_most),
            ],
            rows: [
            kernels!(@rows $machine, V, 1, $three_most),
            kernels!(@rows $machine, V, 2, $three_most),
            kernels!(@rows $machine, V, 3, $three_most),
            ],
            scatter: scatter::<$machine, V>,
        side: if movers!(@units $vector) > 1 {
                1
            } else {
                <movers!($machine, $vector) as Transpose>::SIDE
            },
            plane: plane::<$machine, movers!($machine, $vector)>,
            stream: stream::<$machine, V>,
            lanes: lanes::<$machine, V>,
            batched: batched::<$machine, V>,
            quads: if <V as Vector>::QUADS { Some(quads::<$machine, V>) } else { None },
            gemv: [
                gemv::<$machine, V, 1>,
                gemv::<$machine, V, 2>,
                gemv::<$machine, V, 4>,
                gemv::<$machine, V, 8>,
            ],
            put: put::<<V as Vector>::Element>,
        pack: pack::<$machine, movers!($machine, $vector), { movers!(@units $vector) }>,
        };
        &TABLE
    }};
    (@eight $machine:ty, $vector:ty, $vectors:literal, 8) => {
        Some(tile::<$machine, $vector, $vectors, 8, false, PANELS>)
    };
    (@eight $machine:ty, $vector:ty, $vectors:literal, $other:tt) => {
        None
    };
    (@rows $machine:ty, $vector:ty, $vectors:literal, 8) => {
        Some(tile::<$machine, $vector, $vectors, 8, false, ROWS>)
    };
    (@rows $machine:ty, $vector:ty, $vectors:literal, $other:tt) => {
        None
    };
    (@packed $machine:ty, $vector:ty, $vectors:literal, 0) => {
        None
    };
    (@packed $machine:ty, $vector:ty, $vectors:literal, $columns:tt) => {
        Some(tile::<$machine, $vector, $vectors, $columns, false, PANELS>)
    };
}

/// AVX-512 has 32 registers: 24 sums, and the rest for operands.
#[cfg(target_arch = "x86_64")]
macro_rules! real_512 {
    ($vector:ident) => {
        kernels!(crate::vector::avx512::Avx512, $vector,
            [1 2 3 4 5 6 7 8 9 10 11 12 16 24] 24, [1 2 3 4 5 6 7 8 9 10 11 12] 12, [1 2 3 4 5 6 7 8] 8)
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! complex_512 {
    ($vector:ident) => {
        kernels!(crate::vector::avx512::Avx512, $vector, [1 2 3 4 5 6 7 8 9 10 11 12] 12, [] 0, [] 0)
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! integer_512 {
    ($vector:ident) => {
        kernels!(crate::vector::avx512::Avx512, $vector, [1 2 4 8 12] 12, [1 2 4 8 12] 12, [] 0)
    };
}
/// AVX2 has 16: 12 sums.
#[cfg(target_arch = "x86_64")]
macro_rules! real_256 {
    ($vector:ident) => {
        kernels!(crate::vector::avx2::Avx2, $vector,
            [1 2 3 4 5 6 7 8 12] 12, [1 2 3 4 5 6] 6, [1 2 3 4] 4)
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! complex_256 {
    ($vector:ident) => {
        kernels!(crate::vector::avx2::Avx2, $vector, [1 2 3 4 5] 5, [] 0, [] 0)
    };
}
#[cfg(target_arch = "x86_64")]
macro_rules! integer_256 {
    ($vector:ident) => {
        kernels!(crate::vector::avx2::Avx2, $vector, [1 2 4] 4, [1 2 4] 4, [] 0)
    };
}
macro_rules! portable {
    ($vector:ident) => {
        kernels!(Portable, $vector, [1 2] 2, [1 2] 2, [] 0)
    };
}

/// The kernels for a type; `swapped` matters to complex numbers only. Nothing for an unknown type.
pub fn kernels(set: InstructionSet, dtype: ElementType, swapped: bool) -> Option<&'static Kernels> {
    Some(match (set, dtype, swapped) {
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::F32, _) => real_512!(F32),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::F64, _) => real_512!(F64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::C64, false) => complex_512!(C64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::C64, true) => complex_512!(C64Swapped),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::C128, false) => complex_512!(C128),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::C128, true) => complex_512!(C128Swapped),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::I32 | ElementType::U32, _) => integer_512!(I32),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::I64, _) => integer_512!(I64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx512, ElementType::U8, _) => integer_512!(U8),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::F32, _) => real_256!(F32),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::F64, _) => real_256!(F64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::C64, false) => complex_256!(C64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::C64, true) => complex_256!(C64Swapped),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::C128, false) => complex_256!(C128),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::C128, true) => complex_256!(C128Swapped),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::I32 | ElementType::U32, _) => integer_256!(I32),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::I64, _) => integer_256!(I64),
        #[cfg(target_arch = "x86_64")]
        (InstructionSet::Avx2, ElementType::U8, _) => integer_256!(U8),
        (_, ElementType::F32, _) => portable!(F32),
        (_, ElementType::F64, _) => portable!(F64),
        (_, ElementType::C64, false) => portable!(C64),
        (_, ElementType::C64, true) => portable!(C64Swapped),
        (_, ElementType::C128, false) => portable!(C128),
        (_, ElementType::C128, true) => portable!(C128Swapped),
        (_, ElementType::I32 | ElementType::U32, _) => portable!(I32),
        (_, ElementType::I64, _) => portable!(I64),
        (_, ElementType::U8, _) => portable!(U8),
        _ => return None,
    })
}
