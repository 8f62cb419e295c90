//! A short list that mostly needs no memory of its own.

/// Things kept in place; more of them go into a list.
const ROOM: usize = 6;

/// A list of mostly fewer than seven small things.
#[derive(Clone, Debug)]
pub(super) struct Few<T> {
    room: [T; ROOM],
    count: usize,
    /// All of them, once they are too many for the room.
    list: Vec<T>,
}

impl<T: Copy + Default> Few<T> {
    pub(super) fn new() -> Self {
        Self { room: [T::default(); ROOM], count: 0, list: Vec::new() }
    }
    pub(super) fn one(thing: T) -> Self {
        let mut few = Self::new();
        few.push(thing);
        few
    }
    pub(super) fn push(&mut self, thing: T) {
        if !self.list.is_empty() {
            return self.list.push(thing);
        }
        match self.room.get_mut(self.count) {
            Some(place) => {
                *place = thing;
                self.count += 1;
            }
            None => {
                self.list.extend_from_slice(&self.room);
                self.list.push(thing);
            }
        }
    }
    pub(super) fn extend(&mut self, things: impl IntoIterator<Item = T>) {
        things.into_iter().for_each(|t| self.push(t));
    }
    pub(super) fn as_slice(&self) -> &[T] {
        if self.list.is_empty() { self.room.get(..self.count).unwrap_or(&[]) } else { &self.list }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_when_the_room_is_full() {
        for count in [0_u32, 1, 6, 7, 20] {
            let mut few = Few::new();
            few.extend(0..count);
            assert_eq!(few.as_slice(), (0..count).collect::<Vec<_>>());
        }
    }
}
