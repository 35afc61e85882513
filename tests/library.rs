//! The library as people embed it: shapes and types at the call, no allocation after warm-up, several
//! threads on one kernel, errors as values.

use ndarray::{Array1, Array2, array};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // A thread that is ending has no counter any more.
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

/// The inverse of such a divisor is infinite, its quotients are not.
#[test]
fn numbers_are_divided_by_small_ones() {
    let x = Array2::from_shape_fn((3, 64), |(_, j)| (j % 4) as f32 * 1e-39);
    let d = array![1e-39f32, 2e-39, 1.0];
    for level in ["O0", "O1", "O2", "O3"] {
        let compiler = tcc::Compiler::new().level(level).expect("a level");
        let kernel = compiler.jit("y[i,j] = x[i,j] / d[i]").expect("a program");
        let y: Array2<f32> = kernel.call((&x, &d)).expect("a result");
        let expected = Array2::from_shape_fn((3, 64), |(i, j)| x[(i, j)] / d[i]);
        assert_eq!(y, expected, "{level}");
    }
}

#[test]
fn one_kernel_takes_every_shape_and_type() {
    let matmul = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let c: Array2<f32> = matmul.call((&array![[1f32, 2.0]], &array![[3f32], [4.0]])).unwrap();
    assert_eq!(c, array![[11.0]]);
    let c: Array2<f64> = matmul.call((&array![[1.0], [2.0]], &array![[3.0, 4.0]])).unwrap();
    assert_eq!(c, array![[3.0, 4.0], [6.0, 8.0]]);
    let c: Array2<i64> = matmul.call((&array![[1i64, 2]], &array![[3i64], [4]])).unwrap();
    assert_eq!(c, array![[11]]);
}

#[test]
fn views_of_any_layout_are_read() {
    let matmul = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let a = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
    let transposed = a.t();
    let c: Array2<f64> = matmul.call((&a, &transposed)).unwrap();
    assert_eq!(c, array![[14.0, 32.0], [32.0, 77.0]]);
    let every_second = a.slice(ndarray::s![.., ..;2]);
    let c: Array2<f64> = matmul.call((&every_second, &every_second.t())).unwrap();
    assert_eq!(c, array![[10.0, 22.0], [22.0, 52.0]]);
}

#[test]
fn classic_einsum_strings_work() {
    let trace = tcc::jit("ii->").unwrap();
    let t: ndarray::Array0<f64> = trace.call((&array![[1.0, 2.0], [3.0, 4.0]],)).unwrap();
    assert_eq!(t.into_scalar(), 5.0);
    // The text of a file may be one too; its operands decide the types all the same.
    let transpose = tcc::Compiler::new().compile("# a comment\nij->ji\n").unwrap();
    let t: Array2<f64> = transpose.call((&array![[1.0, 2.0], [3.0, 4.0]],)).unwrap();
    assert_eq!(t, array![[1.0, 3.0], [2.0, 4.0]]);
}

#[test]
fn calling_into_allocates_nothing_after_the_first_call() {
    let kernel = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let (a, b) = (Array2::<f32>::ones((4, 5)), Array2::<f32>::ones((5, 6)));
    let mut c = Array2::<f32>::zeros((4, 6));
    kernel.call_into((&a, &b), &mut c).unwrap();
    let count = allocations(|| {
        for _ in 0..100 {
            kernel.call_into((&a, &b), &mut c).unwrap();
        }
    });
    assert_eq!(count, 0);
    assert!(c.iter().all(|&x| x == 5.0));
}

#[test]
fn results_of_any_layout_are_written() {
    let kernel = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let (a, b) = (array![[1.0, 2.0], [3.0, 4.0]], array![[1.0, 0.0, 2.0], [0.0, 1.0, 1.0]]);
    let mut c = Array2::<f64>::from_elem((3, 4), -1.0);
    let mut columns = c.slice_mut(ndarray::s![.., ..;-2]);
    let mut view = columns.view_mut().reversed_axes();
    kernel.call_into((&a, &b), &mut view).unwrap();
    assert_eq!(c, array![[-1.0, 3.0, -1.0, 1.0], [-1.0, 4.0, -1.0, 2.0], [-1.0, 10.0, -1.0, 4.0]]);
}

#[test]
fn code_is_prepared_before_there_is_data() {
    let kernel = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let (a, b) = (Array2::<f32>::ones((2, 3)), Array2::<f32>::ones((3, 4)));
    let arguments = [(&a).into(), (&b).into()];
    assert!(kernel.prepared(&arguments).is_none());
    let code = kernel.prepare(&arguments).unwrap();
    assert_eq!((code.results()[0].name.as_str(), code.results()[0].shape.as_slice()), ("C", &[2, 4][..]));
    let mut c = Array2::<f32>::zeros((2, 4));
    kernel.prepared(&arguments).unwrap().call_into(&arguments, &[(&mut c).into()]).unwrap();
    assert!(c.iter().all(|&x| x == 3.0));
    assert!(code.call_into(&[(&b).into(), (&a).into()], &[(&mut c).into()]).is_err());
}

#[test]
fn intervals_are_checked_for_every_element_of_any_array() {
    let kernel = tcc::Compiler::new().compile("in x : f64[n] in [0, 1]\nout y : f64[n]\ny[i] = x[i]\n");
    let kernel = kernel.unwrap();
    let bytes = [0.5f64, 0.5, 2.0].map(f64::to_ne_bytes);
    let outside = tcc::Array::from_bytes(tcc::Dtype::F64, &[3], bytes.as_flattened()).unwrap();
    assert_eq!(kernel.call_dynamic(&[(&outside).into()]).unwrap_err().code(), "E0507");
    let reversed = array![2.0, 0.5];
    let reversed = reversed.slice(ndarray::s![..;-1]);
    assert_eq!(kernel.call_dynamic(&[(&reversed).into()]).unwrap_err().code(), "E0507");
}

#[test]
fn working_memory_is_pooled() {
    // A trajectory that is read twice needs memory between the loops.
    let text =
        "in x : f32[n]\nout y : f32[n]\nvar h : f32[n]\nh[t] = 0.5*h[t-1 | 0] + x[t]\ny[t] = h[n-1-t]\n";
    let kernel = tcc::Compiler::new().compile(text).unwrap();
    let x = Array1::<f32>::ones(64);
    let mut y = Array1::<f32>::zeros(64);
    kernel.call_into((&x,), &mut y).unwrap();
    assert_eq!(y[63], 1.0);
    assert_eq!(allocations(|| kernel.call_into((&x,), &mut y).unwrap()), 0);
}

#[test]
fn threads_share_one_kernel() {
    let kernel = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    std::thread::scope(|scope| {
        for size in [3usize, 17] {
            let kernel = kernel.clone();
            scope.spawn(move || {
                for round in 1..50 {
                    let a = Array2::<f64>::from_elem((size, size), f64::from(round));
                    let b = Array2::<f64>::eye(size);
                    let c: Array2<f64> = kernel.call((&a, &b)).unwrap();
                    assert_eq!(c, a);
                }
            });
        }
    });
}

#[test]
fn several_results_and_parameters() {
    let text = "param w : f64 = 2\nin x : f32[n]\nout s, y : f32[n]\ns[i] = w*x[i]\ny[i] = s[i] + 1\n";
    let kernel = tcc::Compiler::new().compile(text).unwrap();
    let x = array![1f32, 2.0];
    let (s, y): (Array1<f32>, Array1<f32>) = kernel.call((&x,)).unwrap();
    assert_eq!((s, y), (array![2.0, 4.0], array![3.0, 5.0]));
    let (s, _): (Array1<f32>, Array1<f32>) = kernel.with("w", 3.0).unwrap().call((&x,)).unwrap();
    assert_eq!(s, array![3.0, 6.0]);
    let outputs = kernel.call_named(&[("x", (&x).into())]).unwrap();
    assert_eq!(outputs[1].name, "y");
}

#[test]
fn mistakes_are_values_with_codes() {
    let error = tcc::jit("C[i,k] = A[i,j]").unwrap_err();
    assert!(!error.diagnostics().is_empty() && error.code().starts_with("E0"), "{error}");
    let matmul = tcc::jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    let (a, b) = (Array2::<f32>::ones((4, 5)), Array2::<f32>::ones((6, 7)));
    let error = matmul.call::<Array2<f32>>((&a, &b)).unwrap_err();
    assert!(error.to_string().contains('5') && error.to_string().contains('6'), "{error}");
    assert!(matmul.call::<Array2<f32>>((&a,)).is_err());
    let b = Array2::<f32>::ones((5, 7));
    assert!(matmul.call::<Array2<f64>>((&a, &b)).is_err());
    assert!(matmul.call::<Array1<f32>>((&a, &b)).is_err());
    let mut wrong = Array2::<f32>::zeros((4, 6));
    assert!(matmul.call_into((&a, &b), &mut wrong).is_err());
    let limited = tcc::Compiler::new().memory_limit(100).jit("C[i,k] += A[i,j] * B[j,k]").unwrap();
    assert_eq!(limited.call::<Array2<f32>>((&a, &b)).unwrap_err().code(), "E0301");
    assert!(tcc::Compiler::new().backend("craneleft").unwrap_err().to_string().contains("cranelift"));
}

#[test]
fn promises_about_data_are_checked() {
    let text = "in x : f32[n] in [0, 1]\nout y : f32[n]\ny[i] = 2*x[i]\n";
    let kernel = tcc::Compiler::new().compile(text).unwrap();
    assert!(kernel.call::<Array1<f32>>((&array![0f32, 1.0],)).is_ok());
    let error = kernel.call::<Array1<f32>>((&array![0f32, 0.5, -3.0],)).unwrap_err();
    assert!(error.to_string().contains("x[2]"), "{error}");
    assert_eq!(error.code(), "E0507");
}

#[test]
fn a_failed_check_says_which_element_it_was() {
    let kernel = tcc::Compiler::new()
        .compile("in x : f32[n]\nin k : i64[e]\nout y : f32[e]\ny[i] = x[k[i]]\n")
        .expect("the program compiles");
    let (x, k) = (array![1.0f32, 2.0, 3.0], array![0i64, 2, -7, 1]);
    let error = kernel.call::<Array1<f32>>((&x, &k)).expect_err("a place is outside");
    assert_eq!(error.code(), "E0508");
    assert!(error.to_string().ends_with("it is -7 at i = 2, and n is 3"), "{error}");
    assert!(error.diagnostics()[0].help.is_some());
    // Arguments in another order than row-major are read the same way.
    let error =
        kernel.call::<Array1<f32>>((&x, &k.slice(ndarray::s![..;-1]))).expect_err("a place is outside");
    assert!(error.to_string().ends_with("it is -7 at i = 1, and n is 3"), "{error}");
}
