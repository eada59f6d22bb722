//! The three reconciliations, over what load staged.

pub mod breaks;
pub mod business;
pub mod cells;
mod control;
mod deliveries;
mod drifts;
pub mod end_to_end;
pub mod fold;
pub mod gaps;
mod gather;
mod items;
mod sorter;
pub mod source;
