//! A pool of threads that sleep when there is nothing to do.
//!
//! One [`parallel_for`] at a time has the threads; one that comes while they are busy, or from inside
//! another, runs where it was called. What is computed must not depend on which of it happens.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The most threads anybody gets.
const MAX_THREADS: usize = 256;

/// How many threads to use; 0: as many as the machine has.
static THREADS: AtomicUsize = AtomicUsize::new(0);

/// Held by the one caller whose work the threads are at.
static CALLER: Mutex<()> = Mutex::new(());

static STATE: Mutex<State> = Mutex::new(State { job: None, seats: 0, inside: 0, generation: 0, spawned: 0 });

/// Told when there is a job.
static WORK: Condvar = Condvar::new();

/// Told when the last thread has left a job.
static LEFT: Condvar = Condvar::new();

/// What all threads see.
struct State {
    job: Option<JobPointer>,
    /// How many more threads may join.
    seats: usize,
    /// How many have joined and not left.
    inside: usize,
    /// Counts jobs, so that no thread joins one twice.
    generation: u64,
    spawned: usize,
}

/// One call of [`parallel_for`].
struct Job<'a> {
    run: &'a (dyn Fn(usize, usize) + Sync),
    count: usize,
    next: AtomicUsize,
    panic: Mutex<Option<Box<dyn std::any::Any + Send>>>,
}

#[derive(Clone, Copy)]
struct JobPointer(*const Job<'static>);

// SAFETY: a job is `Sync`, and the call that owns it waits until every thread has left it.
unsafe impl Send for JobPointer {}

thread_local! {
    /// Whether this thread is inside a job.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    /// This thread's working memory, as cache lines.
    static WORKSPACE: RefCell<Vec<[u64; 8]>> = const { RefCell::new(Vec::new()) };
    /// What this thread lends to those that help it.
    static LENT: RefCell<Vec<Line>> = const { RefCell::new(Vec::new()) };
}

/// A cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "only its size and alignment matter")] [u8; 64]);

/// Sets how many threads work on a job, the caller among them; 0 means as many as the machine has.
pub fn set_threads(count: usize) {
    THREADS.store(count.min(MAX_THREADS), Ordering::Relaxed);
}

/// How many threads work on a job.
pub fn threads() -> usize {
    static MACHINE: AtomicUsize = AtomicUsize::new(0);
    match (THREADS.load(Ordering::Relaxed), MACHINE.load(Ordering::Relaxed)) {
        (0, 0) => {
            let count = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
            MACHINE.store(count, Ordering::Relaxed);
            count
        }
        (0, machine) => machine,
        (set, _) => set,
    }
}

/// A panic is handed on by the job; a lock it went past is as good as before.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `run` with every number below `count`, in any order, on several threads.
///
/// A panic of `run` is handed on when all threads have stopped.
pub fn parallel_for(count: usize, run: &(dyn Fn(usize) + Sync)) {
    with_seats(threads(), count, &|_, number| run(number));
}

/// Whether this thread is at work on a part of something.
pub fn is_inside() -> bool {
    INSIDE.get()
}

/// The same on at most so many threads. `run` is told, before the number, which of the threads calls it: no
/// two at the same time are called the same, and the one that has called this function is 0.
pub(crate) fn with_seats(threads: usize, count: usize, run: &(dyn Fn(usize, usize) + Sync)) {
    let threads = threads.min(count);
    let here = || (0..count).for_each(|number| run(0, number));
    if threads <= 1 || INSIDE.get() {
        return here();
    }
    let Ok(_caller) = CALLER.try_lock() else { return here() };
    let job = Job { run, count, next: AtomicUsize::new(0), panic: Mutex::new(None) };
    {
        let mut state = lock(&STATE);
        while state.spawned + 1 < threads && spawn() {
            state.spawned += 1;
        }
        state.job = Some(JobPointer((&raw const job).cast()));
        state.seats = threads - 1;
        state.generation += 1;
        WORK.notify_all();
    }
    work(&job, 0);
    let mut state = lock(&STATE);
    state.job = None;
    while state.inside > 0 {
        state = LEFT.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
    drop(state);
    if let Some(panic) = lock(&job.panic).take() {
        drop(_caller);
        resume_unwind(panic);
    }
}

/// Starts a thread; without one the work is done by those there are.
fn spawn() -> bool {
    std::thread::Builder::new().name("tcc-runtime".into()).spawn(worker).is_ok()
}

/// Takes numbers until there are none.
fn work(job: &Job, seat: usize) {
    let before = INSIDE.replace(true);
    let done = catch_unwind(AssertUnwindSafe(|| {
        loop {
            let number = job.next.fetch_add(1, Ordering::Relaxed);
            if number >= job.count {
                break;
            }
            (job.run)(seat, number);
        }
    }));
    INSIDE.set(before);
    if let Err(panic) = done {
        job.next.store(job.count, Ordering::Relaxed);
        *lock(&job.panic) = Some(panic);
    }
}

/// A thread's life.
fn worker() {
    let mut seen = 0;
    let mut state = lock(&STATE);
    loop {
        match state.job {
            Some(job) if state.generation != seen && state.seats > 0 => {
                seen = state.generation;
                let seat = state.seats;
                state.seats -= 1;
                state.inside += 1;
                drop(state);
                // SAFETY: the owner waits for `inside` to be 0 before the job ends.
                work(unsafe { &*job.0 }, seat);
                state = lock(&STATE);
                state.inside -= 1;
                if state.inside == 0 {
                    LEFT.notify_all();
                }
            }
            _ => state = WORK.wait(state).unwrap_or_else(PoisonError::into_inner),
        }
    }
}

/// Lends this thread's working memory of at least `bytes`, aligned to a cache line.
pub fn with_workspace<R>(bytes: usize, run: impl FnOnce(*mut u8) -> R) -> R {
    let lines = bytes.div_ceil(64) + 1;
    WORKSPACE.with(|workspace| {
        // Memory that is lent already: a call from inside a call gets its own.
        let Ok(mut lent) = workspace.try_borrow_mut() else {
            return run(vec![[0_u64; 8]; lines].as_mut_ptr().cast());
        };
        if lent.len() < lines {
            *lent = vec![[0; 8]; lines];
        }
        run(lent.as_mut_ptr().cast())
    })
}

/// Lends memory for others, `lines` cache lines; `None` if there is none, or if it is lent already.
pub(crate) fn with_memory<R>(lines: usize, run: impl FnOnce(*mut u8) -> R) -> Option<R> {
    LENT.with(|memory| {
        let mut memory = memory.try_borrow_mut().ok()?;
        if memory.len() < lines {
            let more = lines - memory.len();
            memory.try_reserve_exact(more).ok()?;
            memory.resize(lines, Line([0; 64]));
        }
        Some(run(memory.as_mut_ptr().cast()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn every_number_once_nested_and_after_a_panic() {
        for threads in [1, 2, 4, 0] {
            set_threads(threads);
            let sum = AtomicU64::new(0);
            parallel_for(1000, &|number| {
                parallel_for(3, &|inner| {
                    sum.fetch_add(number as u64 * 3 + inner as u64, Ordering::Relaxed);
                });
            });
            assert_eq!(sum.into_inner(), (0..3000).sum::<u64>());
            let caught = catch_unwind(|| parallel_for(100, &|number| assert!(number != 50, "fifty")));
            assert!(caught.is_err());
        }
    }
}
