//! exactness
