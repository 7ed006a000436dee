//! Least-squares maps from raw to true screen points.
