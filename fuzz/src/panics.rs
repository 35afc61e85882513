//! Panics as results: the fuzzer goes on after one, and knows where it was.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// A panic: a bug of the compiler, whatever the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Panic {
    /// What it said.
    pub message: String,
    /// File and line, if known.
    pub place: String,
}

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Runs `work`; a panic in it is a result and prints nothing. What `work` was changing must not be used
/// after a panic.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !CATCHING.get() {
                return before(info);
            }
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default();
            let place =
                info.location().map_or(String::new(), |at| format!("{}:{}", relative(at.file()), at.line()));
            LAST.set(Some(Panic { message, place }));
        }));
    });
    let outer = CATCHING.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(outer);
    result.map_err(|_| LAST.take().unwrap_or(Panic { message: "panic".into(), place: String::new() }))
}

/// A path from the folder of its crate's sources on: the same on every machine.
fn relative(file: &str) -> &str {
    let start = file.rfind("/src/").map_or(0, |at| file[..at].rfind('/').map_or(0, |slash| slash + 1));
    &file[start..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_a_message_and_a_place() {
        assert_eq!(catch(|| 3), Ok(3));
        let panic = catch(|| panic!("no {}", 4)).expect_err("it panics");
        assert_eq!(panic.message, "no 4");
        assert!(panic.place.contains("panics.rs:"), "{}", panic.place);
    }
}
