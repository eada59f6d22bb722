//! End-to-end tests against the public interface.

mod asking_for_time_stamps;
mod configuration;
mod crash;
mod databases;
mod demo;
mod deploy;
mod determinism;
mod documentation;
mod end_to_end;
mod errors;
mod exactness;
mod first_night;
mod formats;
mod loading;
mod no_movements;
mod object_storage;
mod prune;
mod regenerate;
mod servers;
mod signing;
mod supplements;
mod tamper;
mod time_stamps;
mod trust;
mod two_verifiers;
mod ukspend;
