//! Large buffers in large pages.

/// A number whose zero is all zero bits.
pub(crate) trait Plain: Copy + Default {}
impl Plain for f32 {}
impl Plain for u16 {}
impl Plain for u8 {}

/// Below this, large pages save nothing.
const WORTHWHILE: usize = 8 << 20;

/// `len` zeros. Memory is taken as it is first used; the system is asked to take it in large pages where that pays,
/// because whoever streams through gigabytes in small ones waits for page tables.
pub(crate) fn zeros<T: Plain>(len: usize) -> Vec<T> {
    let mut buffer = vec![T::default(); len];
    advise(&mut buffer);
    buffer
}

#[cfg(target_os = "linux")]
fn advise<T>(buffer: &mut [T]) {
    const PAGE: usize = 4096;
    let bytes = std::mem::size_of_val(buffer);
    if bytes < WORTHWHILE {
        return;
    }
    let start = buffer.as_mut_ptr() as usize;
    let (first, end) = (start.next_multiple_of(PAGE), (start + bytes) / PAGE * PAGE);
    // SAFETY: whole pages inside a live buffer; the advice changes how they are backed, never what they hold. A system
    // that does not take it leaves them as they are, which is why its answer does not matter.
    let _ = unsafe { libc::madvise(first as *mut libc::c_void, end - first, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise<T>(_: &mut [T]) {
    let _ = WORTHWHILE;
}

#[cfg(test)]
mod tests {
    #[test]
    fn large_buffers_are_zero() {
        for len in [0, 1, 1000, (9 << 20) / 4 + 3] {
            let zeros = super::zeros::<f32>(len);
            assert!(zeros.len() == len && zeros.iter().all(|zero| *zero == 0.0));
        }
    }
}
