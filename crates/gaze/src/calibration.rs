//! The per-user calibration file.
