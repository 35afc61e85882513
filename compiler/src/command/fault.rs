//! What a process says that dies of an access outside of the arguments of machine code.

use std::path::{Path, PathBuf};

/// The file in which a campaign says it, beside the case that is running.
pub fn place(current: &Path) -> PathBuf {
    current.with_extension("fault")
}

#[cfg(unix)]
pub use handler::say_in;

#[cfg(unix)]
mod handler {
    use std::io::Write;
    use std::os::fd::IntoRawFd;
    use std::path::Path;
    use std::sync::atomic::{AtomicI32, Ordering};

    /// The file that is written to.
    static FILE: AtomicI32 = AtomicI32::new(-1);

    /// From now on a fault at a guarded page writes to a file which it was. The process dies of it as before.
    pub fn say_in(path: &Path) -> std::io::Result<()> {
        FILE.store(std::fs::File::create(path)?.into_raw_fd(), Ordering::Relaxed);
        // SAFETY: zeros are a valid `sigaction`: no flags, and nothing is masked.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = fault;
        action.sa_sigaction = handler as libc::sighandler_t;
        // On a stack of its own where a thread has one: the own one may be what is at its end.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            // SAFETY: the handler reads atomic numbers and calls nothing but `write` and `signal`.
            if unsafe { libc::sigaction(signal, &action, std::ptr::null_mut()) } != 0 {
                return Err(std::io::Error::last_os_error());
            }
        }
        Ok(())
    }

    extern "C" fn fault(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the system calls with what it knows of the signal.
        let address = unsafe { (*info).si_addr() } as usize;
        if let Some((number, place, length)) = tcc_fuzz::guarded::meaning(address) {
            let mut text = [0u8; 128];
            let mut rest = &mut text[..];
            // Neither a slice nor a number takes memory to be written.
            let _ = write!(
                rest,
                "argument {number} (operands, results, working memory): byte {place} of {length} bytes"
            );
            let left = rest.len();
            // SAFETY: the text is as long as said, and `write` may be called from a handler.
            unsafe { libc::write(FILE.load(Ordering::Relaxed), text.as_ptr().cast(), text.len() - left) };
        }
        // SAFETY: `signal` may be called from a handler. The access happens again, and ends the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
