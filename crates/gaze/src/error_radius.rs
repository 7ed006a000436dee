//! Expected error of a sample.
