//! The three reconciliations, over what load staged.

pub mod breaks;
pub mod business;
pub mod end_to_end;
pub mod gaps;
mod sorter;
pub mod source;
