//! Files to batches: what becomes of one item ([`items`]), the threads and the order of the batches
//! ([`pool`]), the bytes that they are written to ([`memory`]).

pub mod items;
pub mod memory;
pub mod pool;

pub use items::{Items, Loaded, Outcome, Place};
pub use memory::{Aligned, Memory};
pub use pool::{Batch, Loader, Next, Plan};
