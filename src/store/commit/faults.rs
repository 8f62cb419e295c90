//! Where tests make a write fail, before or after it took effect.

/// A write of the committer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FaultPoint {
    /// Starting the transaction.
    Begin,
    /// Writing a job's effects.
    Effects,
    /// Appending entries.
    Entries,
    /// Moving the log's size, frontier and checkpoint.
    Shard,
    /// The commit itself.
    Commit,
    /// Writing the mirror of the checkpoint.
    Mirror,
}

impl FaultPoint {
    /// Every point.
    pub const ALL: &'static [Self] =
        &[Self::Begin, Self::Effects, Self::Entries, Self::Shard, Self::Commit, Self::Mirror];
}

/// On which side of the write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timing {
    /// It does not happen.
    Before,
    /// It happens, but an error is reported.
    After,
}

/// What goes wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The write reports an error.
    Error,
}

/// Says when something goes wrong.
pub trait Faults: Send + Sync {
    /// Asked at every point, on both sides.
    fn at(&self, point: FaultPoint, timing: Timing) -> Option<Fault>;
}

/// Nothing is made to fail.
#[derive(Clone, Copy, Debug)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn at(&self, _point: FaultPoint, _timing: Timing) -> Option<Fault> {
        None
    }
}
