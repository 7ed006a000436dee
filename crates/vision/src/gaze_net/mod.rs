//! Gaze networks: what their files promise ([`Contract`]), and the adapters that feed
//! them and bring their answers into the frames of this program ([`GazeNet`]).

mod answer;
pub mod contract;
mod eyes;
mod face;
mod net;
mod picture;
pub mod pose;
mod read;
mod view;

pub use answer::NetGaze;
pub use contract::{Contract, GEOMETRIC, Kind, SPREAD};
pub use net::{GazeNet, GazeNetError};
pub use pose::Pose;
pub use read::{ContractError, PortShape, sidecar};
pub use view::EyeView;
