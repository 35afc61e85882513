//! What a process says that dies of an access outside of the arguments of machine code.

/// How what it says begins.
pub const OUTSIDE: &str = "an access outside of the arguments of machine code";

#[cfg(unix)]
pub use handler::say;

#[cfg(unix)]
mod handler {
    use super::OUTSIDE;
    use std::io::Write;

    /// From now on a fault at a guarded page says to standard error which it was. The process dies of it as before.
    pub fn say() -> std::io::Result<()> {
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
            let mut text = [0u8; 200];
            let mut rest = &mut text[..];
            // Neither a slice nor a number takes memory to be written.
            let _ = writeln!(
                rest,
                "{OUTSIDE}: byte {place} of the {length} bytes of number {number} of operands, results, working memory"
            );
            let left = rest.len();
            // SAFETY: the text is as long as said, and `write` may be called from a handler.
            unsafe { libc::write(libc::STDERR_FILENO, text.as_ptr().cast(), text.len() - left) };
        }
        // SAFETY: `signal` may be called from a handler. The access happens again, and ends the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}
