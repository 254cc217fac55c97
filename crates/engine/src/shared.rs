//! A buffer that several tasks fill at once, each its own part.

/// A borrowed buffer whose tasks write disjoint parts of it.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    buffer: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: whoever takes a part of a `Shared` promises that no other task touches the same elements.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub fn new(data: &'a mut [T]) -> Shared<'a, T> {
        Shared { start: data.as_mut_ptr(), len: data.len(), buffer: std::marker::PhantomData }
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Everything from `start` on.
    ///
    /// # Safety
    /// The caller writes and reads only elements that no other task touches while the result lives.
    #[allow(clippy::mut_from_ref)] // that is the point, and the contract above
    #[inline(always)]
    pub unsafe fn from(&self, start: usize) -> &mut [T] {
        assert!(start <= self.len, "offset outside the shared buffer");
        // SAFETY: in bounds by the assertion; exclusive use of the touched elements by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), self.len - start) }
    }

    /// The `len` elements from `start` on.
    ///
    /// # Safety
    /// No other task touches these elements while the result lives.
    #[allow(clippy::mut_from_ref)] // as above
    #[inline(always)]
    pub unsafe fn part(&self, start: usize, len: usize) -> &mut [T] {
        assert!(start <= self.len && len <= self.len - start, "part outside the shared buffer");
        // SAFETY: in bounds by the assertion; exclusive use of these elements by the contract.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(start), len) }
    }
}
