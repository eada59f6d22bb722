//! ukspend
