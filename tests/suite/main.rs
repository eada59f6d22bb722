//! End-to-end tests against the public interface.

mod first_night;
