use super::*;
use tcc_ir::loops::{Buffer, CheckSite, Func, Role};
use tcc_ir::{Extent, Relation, Requirement, SymbolDecl};

/// Doubles every element of an f32 input; status 1 if the first is negative. Uses the arena.
struct Double;

impl Code for Double {
    unsafe fn call(
        &self,
        buffers: &[*mut u8],
        lengths: &Lengths,
        _: &[i64],
        arena: *mut u8,
    ) -> Result<i32, CallError> {
        let n = lengths.buffers[0] / 4;
        // SAFETY: the kernel checked lengths and alignment.
        unsafe {
            if n > 0 && *buffers[0].cast::<f32>() < 0.0 {
                return Ok(1);
            }
            for i in 0..n {
                *arena.cast::<f32>().add(i) = 2.0 * *buffers[0].cast::<f32>().add(i);
            }
            std::ptr::copy_nonoverlapping(arena, buffers[1], 4 * n);
        }
        Ok(0)
    }
}

fn double(n: Extent) -> Kernel {
    let mut func = Func { name: "double".into(), ..Func::default() };
    func.add_buffer(Buffer::new("x", Dtype::F32, vec![n.clone()], Role::Input));
    func.add_buffer(Buffer::new("y", Dtype::F32, vec![n.clone()], Role::Output));
    func.arena = Some(n.clone() * Extent::from(4));
    func.checks.push(CheckSite { message: "x must not be negative".into(), span: None });
    if n.as_const().is_none() {
        func.symbols.push(SymbolDecl { name: "n".into(), param: false, default: None });
        func.requirements.push(Requirement {
            left: n,
            relation: Relation::Le,
            right: Extent::from(1000),
            message: "n is {left}, at most {right}".into(),
            span: None,
        });
    }
    Kernel::new(Signature::of(&func), Box::new(Double))
}

fn array(values: &[f32]) -> Array {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    Array::from_bytes(Dtype::F32, &[values.len()], &bytes).expect("small")
}

#[test]
fn arrays_are_checked_and_results_come_back() {
    let kernel = double(Extent::from(3));
    let mut out = kernel.allocate_outputs(&[]).expect("small");
    kernel.run_arrays(&[&array(&[1.0, 2.0, 4.0])], &mut out, &[]).expect("runs");
    assert_eq!(out[0], array(&[2.0, 4.0, 8.0]));
    let wrong = kernel.run_arrays(&[&array(&[1.0])], &mut out, &[]);
    assert!(matches!(wrong, Err(CallError::Shape { .. })), "{wrong:?}");
    let ints = Array::zeros(Dtype::I32, &[3]).expect("small");
    assert!(matches!(kernel.run_arrays(&[&ints], &mut out, &[]), Err(CallError::Dtype { .. })));
    assert!(matches!(kernel.run_arrays(&[], &mut out, &[]), Err(CallError::Count { .. })));
    let failed = kernel.run_arrays(&[&array(&[-1.0, 2.0, 4.0])], &mut out, &[]);
    assert_eq!(failed, Err(CallError::Check { site: 0, message: "x must not be negative".into() }));
}

#[test]
fn sizes_bind_extents_and_requirements() {
    let kernel = double(Extent::symbol("n"));
    let mut out = kernel.allocate_outputs(&[2]).expect("small");
    kernel.run_arrays(&[&array(&[1.0, 2.0])], &mut out, &[2]).expect("runs");
    assert_eq!(out[0], array(&[2.0, 4.0]));
    assert_eq!(kernel.arena_bytes(&[5]), Ok(20));
    assert!(matches!(kernel.run_pooled(&[&[]], &mut [&mut []], &[-1]), Err(CallError::Negative { .. })));
    assert!(matches!(kernel.run_pooled(&[&[]], &mut [&mut []], &[1]), Err(CallError::Length { .. })));
    assert!(matches!(kernel.run_pooled(&[&[]], &mut [&mut []], &[]), Err(CallError::Count { .. })));
    let large = kernel.run_pooled(&[&[]], &mut [&mut []], &[1001]);
    assert_eq!(large, Err(CallError::Requirement("n is 1001, at most 1000".into())));
    assert_eq!(kernel.run_pooled(&[&[]], &mut [&mut []], &[0]), Ok(()));
}

#[test]
fn memory_must_be_apart_and_aligned() {
    let kernel = double(Extent::from(2));
    let mut words = [0u64; 4];
    let start = words.as_mut_ptr().cast::<u8>();
    // SAFETY: every range lies in `words`, which nobody else uses.
    unsafe {
        assert_eq!(kernel.run_raw(&[(start, 8), (start.add(8), 8)], &[]), Ok(()));
        let error = kernel.run_raw(&[(start, 8), (start.add(4), 8)], &[]);
        assert_eq!(error, Err(CallError::Overlap("y".into(), "x".into())));
        let error = kernel.run_raw(&[(start.add(1), 8), (start.add(12), 8)], &[]);
        assert_eq!(error, Err(CallError::Alignment { name: "x".into(), alignment: 4 }));
    }
    let input = array(&[1.0, 2.0]);
    let mut output = array(&[0.0, 0.0]);
    let error = kernel.run(&[input.bytes()], &mut [output.bytes_mut()], &[], &mut [0; 4]);
    assert!(matches!(error, Err(CallError::Length { .. })), "{error:?}");
}

#[test]
fn threads_may_share_a_kernel() {
    let kernel = double(Extent::from(64));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let kernel = kernel.clone();
            scope.spawn(move || {
                let input = array(&[thread as f32; 64]);
                let mut out = kernel.allocate_outputs(&[]).expect("small");
                for _ in 0..100 {
                    kernel.run_arrays(&[&input], &mut out, &[]).expect("runs");
                    assert_eq!(out[0], array(&[2.0 * thread as f32; 64]));
                }
            });
        }
    });
}

#[test]
fn overlaps_among_many_ranges_are_found() {
    let mut state = 1u64;
    let mut random = |bound: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 33) % bound) as usize
    };
    for _ in 0..2000 {
        let count = INLINE + 1 + random(20);
        let ranges: Vec<(*mut u8, usize)> =
            (0..count).map(|_| (std::ptr::without_provenance_mut(random(4000)), random(8))).collect();
        let first_written = random(count as u64);
        let pairs = (first_written..count).flat_map(|b| (0..b).map(move |a| (a, b)));
        let any = pairs.into_iter().any(|(a, b)| overlap(ranges[a], ranges[b]));
        match first_overlap(count, first_written, |at| ranges[at]) {
            None => assert!(!any, "{ranges:?}"),
            Some((a, b)) => assert!(overlap(ranges[a], ranges[b]) && a.max(b) >= first_written),
        }
    }
}
