//! Every write fails, before and after taking effect: nothing is lost, doubled, or promised too early.

mod commits;
