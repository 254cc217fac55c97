//! Who lies where in the cache, and what those who left have left behind.
//!
//! A sequence has a place of its own length, so memory is asked for what a request may need and not for the longest there could
//! be. Who leaves leaves keys and values behind until the place is given away; whatever begins alike copies them from there.

use super::cache::Place;
use std::sync::Arc;

/// A part of the cache. Together they are all of it, in order.
struct Part {
    place: Place,
    taken: bool,
    /// What the first positions hold: so many of these tokens.
    tokens: Arc<[u32]>,
    known: usize,
    /// When somebody left or copied from it last.
    used: u64,
}

/// The parts.
pub struct Room {
    parts: Vec<Part>,
    clock: u64,
}

impl Room {
    /// All of a cache of so many positions, with nobody in it.
    pub fn new(positions: usize) -> Room {
        let mut room = Room { parts: Vec::new(), clock: 0 };
        room.parts.push(Part::empty(Place { first: 0, capacity: Place::of(0, positions).capacity }));
        room
    }

    /// A place for so many tokens, and whatever was left behind in it forgotten; of that, what was used longest ago goes first.
    /// `None` while too much is taken.
    pub fn take(&mut self, tokens: usize) -> Option<Place> {
        let capacity = Place::of(0, tokens.max(1)).capacity;
        loop {
            let fits = |part: &&Part| !part.taken && part.known == 0 && part.place.capacity >= capacity;
            let best = self.parts.iter().filter(fits).min_by_key(|part| part.place.capacity);
            if let Some(first) = best.map(|part| part.place.first) {
                return Some(self.split(first, capacity));
            }
            let left = self.parts.iter_mut().filter(|part| !part.taken && part.known > 0);
            left.min_by_key(|part| part.used)?.forget();
            self.join();
        }
    }

    /// Places for `count` sequences of so many tokens, or none. They always fit into a room in which nobody is, if they do at all.
    pub fn take_all(&mut self, count: usize, tokens: usize) -> Option<Vec<Place>> {
        let mut places = Vec::with_capacity(count);
        // The first places may lie where they leave gaps that are too small for the others. What was left behind has been given
        // up then, and a second time they lie side by side.
        for _ in 0..2 {
            places.extend((0..count).map_while(|_| self.take(tokens)));
            if places.len() == count {
                return Some(places);
            }
            places.drain(..).for_each(|place| self.leave(place, Arc::new([]), 0));
        }
        None
    }

    /// Takes so many positions of the empty part that begins here.
    fn split(&mut self, first: usize, capacity: usize) -> Place {
        let at = self.at(first);
        let whole = self.parts[at].place;
        let place = Place { first, capacity };
        self.parts[at] = Part { taken: true, ..Part::empty(place) };
        if whole.capacity > capacity {
            let rest = Place { first: first + capacity, capacity: whole.capacity - capacity };
            self.parts.insert(at + 1, Part::empty(rest));
        }
        place
    }

    /// Makes one of empty parts side by side.
    fn join(&mut self) {
        self.parts.dedup_by(|next, part| {
            let joined = part.is_empty() && next.is_empty();
            if joined {
                part.place.capacity += next.place.capacity;
            }
            joined
        });
    }

    /// Says what a place holds now: so many of these tokens.
    pub fn holds(&mut self, place: Place, tokens: &Arc<[u32]>, known: usize) {
        let at = self.at(place.first);
        let part = &mut self.parts[at];
        (part.tokens, part.known) = (Arc::clone(tokens), known.min(tokens.len()));
    }

    /// Gives a place back, with these tokens in it.
    pub fn leave(&mut self, place: Place, tokens: Arc<[u32]>, known: usize) {
        self.clock += 1;
        let at = self.at(place.first);
        let known = known.min(tokens.len());
        self.parts[at] = Part { place, taken: false, tokens, known, used: self.clock };
        if known == 0 {
            self.join();
        }
    }

    /// The place that holds most of a text's beginning, and how much.
    pub fn beginning(&mut self, text: &[u32]) -> Option<(Place, usize)> {
        let common = |part: &Part| common(&part.tokens[..part.known], text);
        let all = self.parts.iter().map(common).enumerate();
        let (at, tokens) = all.max_by_key(|(_, tokens)| *tokens).filter(|(_, tokens)| *tokens > 0)?;
        self.clock += 1;
        self.parts[at].used = self.clock;
        Some((self.parts[at].place, tokens))
    }

    /// The part that begins at a position: every place is one.
    fn at(&self, first: usize) -> usize {
        self.parts.partition_point(|part| part.place.first < first)
    }
}

impl Part {
    fn empty(place: Place) -> Part {
        Part { place, taken: false, tokens: Arc::new([]), known: 0, used: 0 }
    }

    fn is_empty(&self) -> bool {
        !self.taken && self.known == 0
    }

    fn forget(&mut self) {
        *self = Part::empty(self.place);
    }
}

/// How many tokens two texts begin with alike.
pub fn common(one: &[u32], other: &[u32]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn assert_whole(room: &Room, positions: usize) {
        let mut next = 0;
        for part in &room.parts {
            assert_eq!(part.place.first, next, "parts lie side by side");
            assert!(part.place.capacity > 0 && part.known <= part.place.capacity);
            next += part.place.capacity;
        }
        assert_eq!(next, positions);
        assert!(!room.parts.windows(2).any(|two| two[0].is_empty() && two[1].is_empty()));
    }

    #[test]
    fn what_was_left_longest_ago_makes_room() {
        let mut room = Room::new(64);
        let text = |tokens: std::ops::Range<u32>| -> Arc<[u32]> { tokens.collect() };
        let places: Vec<Place> = (0..4).map(|_| room.take(10).unwrap()).collect();
        assert!(room.take(1).is_none());
        for (place, first) in places.iter().zip([0, 100, 200, 300]) {
            room.leave(*place, text(first..first + 10), 9);
        }
        assert_eq!(room.beginning(&[100, 101, 7]), Some((places[1], 2)));
        assert_eq!(room.beginning(&[308, 309]), None);
        // The first was left longest ago, then the third, since the second was asked for.
        assert_eq!(room.take(16), Some(places[0]));
        assert_eq!(room.take(16), Some(places[2]));
        assert!(room.beginning(&[100, 101]).is_some() && room.beginning(&[200]).is_none());
        assert!(room.take(40).is_none(), "what is taken is never given away");
        assert!(room.beginning(&[100]).is_none(), "all that was left behind was tried");
    }

    #[test]
    fn what_fits_into_an_empty_room_fits_after_any_history() {
        let mut room = Room::new(80);
        for (first, kept) in [(16, 16), (32, 9), (16, 0)] {
            let places = [room.take(first).unwrap(), room.take(16).unwrap()];
            room.leave(places[1], (0..16).collect(), kept);
            room.leave(places[0], (0..16).collect(), 16);
            let all = room.take_all(5, 10).unwrap();
            assert_eq!((all.len(), room.take(1)), (5, None));
            assert!(room.take_all(1, 10).is_none());
            all.into_iter().for_each(|place| room.leave(place, (50..60).collect(), 10));
        }
    }

    proptest! {
        #[test]
        fn places_are_disjoint_and_come_back(asked in proptest::collection::vec((1_usize..120, any::<bool>()), 1..80)) {
            let mut room = Room::new(256);
            let mut taken: Vec<Place> = Vec::new();
            for (tokens, leaves) in asked {
                if leaves && !taken.is_empty() {
                    let place = taken.swap_remove(tokens % taken.len());
                    room.leave(place, (0..tokens as u32).collect(), tokens % (place.capacity + 1));
                } else if let Some(place) = room.take(tokens) {
                    prop_assert!(place.capacity >= tokens);
                    for other in &taken {
                        prop_assert!(place.first >= other.first + other.capacity || other.first >= place.first + place.capacity);
                    }
                    taken.push(place);
                }
                assert_whole(&room, 256);
            }
            taken.drain(..).for_each(|place| room.leave(place, Arc::new([]), 0));
            prop_assert_eq!(room.take(256), Some(Place { first: 0, capacity: 256 }));
        }
    }
}
