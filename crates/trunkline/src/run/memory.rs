//! Memory for many connections, one after another.

/// Bytes from which an allocation has pages of its own, which go back to the system as soon as it is free. Each connection has four
/// queues of russh's of 18 KiB.
#[cfg(target_env = "gnu")]
const ALONE: libc::c_int = 16 * 1024;

/// Has what an ended connection took given back. glibc would keep it between small things that live on, and take new memory for
/// what is larger than the gaps: for 300 machines, 64 at once, 1.2 of 20 MiB. To be called before there are other threads.
pub(super) fn give_back_early() {
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code, reason = "no safe crate sets how glibc allocates")]
    // SAFETY: mallopt(3) takes two numbers and has no demands on them; no other thread allocates meanwhile.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, ALONE);
    }
}
