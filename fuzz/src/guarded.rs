//! Memory between pages that nobody may touch: an access outside of it ends the process at once, instead of
//! finding whatever lies there.

use region::{Allocation, Protection};
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What memory is filled with before it is used.
pub const POISON: u8 = 0xa5;

/// At which of its ends bytes lie against a page that nobody may touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The byte after the last one faults.
    End,
    /// The byte before the first one faults.
    Start,
}

/// Pages that may be used between two that may not.
pub struct Guarded {
    pages: Allocation,
    page: usize,
    /// The bytes that are held, as offsets from the first page that may be used.
    held: Range<usize>,
}

/// Pages that are mapped at least, so that a mapping serves many calls.
const PAGES: usize = 8;

/// On the side that no page guards, as many poisoned bytes are looked at.
const WINDOW: usize = 4096;

impl Guarded {
    /// A mapping that can hold so many bytes; `None` if there is no memory.
    pub fn new(bytes: usize) -> Option<Guarded> {
        let page = region::page::size();
        let used = bytes.checked_next_multiple_of(page)?.max(PAGES * page);
        let pages = region::alloc(used.checked_add(2 * page)?, Protection::NONE).ok()?;
        // SAFETY: the pages are this mapping's own, and nothing refers to them yet.
        unsafe { region::protect(pages.as_ptr::<u8>().add(page), used, Protection::READ_WRITE) }.ok()?;
        Some(Guarded { pages, page, held: 0..0 })
    }

    /// How many bytes can be held.
    pub fn capacity(&self) -> usize {
        self.pages.len() - 2 * self.page
    }

    fn start(&self) -> *mut u8 {
        // SAFETY: the mapping has more than one page.
        unsafe { self.pages.as_ptr::<u8>().cast_mut().add(self.page) }
    }

    /// Holds so many bytes, poisoned, as near to a guarded page as the alignment allows. Returns whether there is
    /// room.
    pub fn hold(&mut self, bytes: usize, alignment: usize, side: Side) -> bool {
        let Some(room) = self.capacity().checked_sub(bytes) else { return false };
        let first = match side {
            Side::Start => 0,
            Side::End => room - room % alignment.max(1),
        };
        self.held = first..first + bytes;
        let window = self.window();
        // SAFETY: the window is inside of the pages that may be used, which nothing else refers to: `self` is
        // borrowed as a whole.
        unsafe { std::slice::from_raw_parts_mut(self.start().add(window.start), window.len()) }.fill(POISON);
        true
    }

    /// The bytes that are held and those around them that are poisoned too.
    fn window(&self) -> Range<usize> {
        self.held.start.saturating_sub(WINDOW)..(self.held.end + WINDOW).min(self.capacity())
    }

    /// The bytes that are held.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `held` is inside of the pages that may be used, and they live as long as `self`.
        unsafe { std::slice::from_raw_parts(self.start().add(self.held.start), self.held.len()) }
    }

    /// The bytes that are held, to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; nobody else has a reference while `self` is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.start().add(self.held.start), self.held.len()) }
    }

    /// The first byte beside those held that was written, counted from the first one held.
    pub fn written_outside(&self) -> Option<isize> {
        let window = self.window();
        // SAFETY: as in `bytes`.
        let around = unsafe { std::slice::from_raw_parts(self.start().add(window.start), window.len()) };
        let outside =
            |place: &usize| !self.held.contains(&(window.start + place)) && around[*place] != POISON;
        let place = (0..around.len()).find(outside)?;
        Some((window.start + place) as isize - self.held.start as isize)
    }
}

/// Parameters beyond this many are guarded as well, but a fault at one is not named.
const NAMED: usize = 32;

/// The mappings that a call is using: for each the first and the last guarded byte, the first byte held and how many.
/// A process that is about to die of a fault can read them without a lock.
static IN_USE: [[AtomicUsize; 4]; NAMED] = [const { [const { AtomicUsize::new(0) }; 4] }; NAMED];

/// Notes which mappings the call that follows uses.
pub fn announce(memory: &[Guarded]) {
    for (row, guarded) in IN_USE.iter().zip(memory) {
        let pages = guarded.pages.as_range();
        let first = guarded.start() as usize + guarded.held.start;
        for (cell, value) in row.iter().zip([pages.start, pages.end, first, guarded.held.len()]) {
            cell.store(value, Ordering::Relaxed);
        }
    }
}

/// Notes that no call is running.
pub fn withdraw() {
    IN_USE.iter().flatten().for_each(|cell| cell.store(0, Ordering::Relaxed));
}

/// What an address means for the call that is running: the number of the parameter at whose guard it is, the
/// distance from the first byte of that parameter, and how many bytes it has. May be called from a signal handler.
pub fn meaning(address: usize) -> Option<(usize, isize, usize)> {
    IN_USE.iter().enumerate().find_map(|(number, row)| {
        let [start, end, first, length] = [0, 1, 2, 3].map(|at: usize| row[at].load(Ordering::Relaxed));
        (start..end).contains(&address).then(|| (number, address.wrapping_sub(first) as isize, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_lie_against_a_guarded_page() {
        let mut guarded = Guarded::new(100).expect("memory");
        let page = region::page::size();
        for (side, offset) in [(Side::End, page - 96), (Side::Start, 0)] {
            assert!(guarded.hold(96, 8, side));
            assert_eq!(guarded.bytes(), [POISON; 96]);
            assert_eq!(guarded.bytes().as_ptr() as usize % page, offset);
            guarded.bytes_mut().fill(1);
            assert_eq!(guarded.written_outside(), None);
        }
        assert!(!guarded.hold(1 << 30, 8, Side::End));
    }

    #[test]
    fn what_is_written_beside_them_is_seen() {
        let mut guarded = Guarded::new(100).expect("memory");
        assert!(guarded.hold(10, 1, Side::Start));
        // SAFETY: the mapping has some pages, of which ten bytes are held.
        unsafe { guarded.start().add(12).write(0) };
        assert_eq!(guarded.written_outside(), Some(12));
        assert!(guarded.hold(10, 1, Side::End));
        let place = guarded.held.start - 3;
        // SAFETY: as above.
        unsafe { guarded.start().add(place).write(0) };
        assert_eq!(guarded.written_outside(), Some(-3));
    }

    #[test]
    fn addresses_of_a_call_have_a_meaning() {
        let mut memory = vec![Guarded::new(1).expect("memory"), Guarded::new(1).expect("memory")];
        assert!(memory.iter_mut().all(|guarded| guarded.hold(24, 8, Side::End)));
        announce(&memory);
        let first = memory[1].bytes().as_ptr() as usize;
        assert_eq!(meaning(first + 24), Some((1, 24, 24)));
        withdraw();
        assert_eq!(meaning(first + 24), None);
    }
}
