//! Synthetic faces with exact labels: for the demo, the tests and the trainer.
//!
//! A [`scene::Scene`] holds a person ([`identity::Identity`]), a room and a camera;
//! [`scene::Scene::render`] draws one [`scene::Moment`] and returns what is true of it.
//! Heads come from the MakeHuman family (ASSETS.md); all else is made by procedure.

pub mod assets;
pub mod background;
mod draw;
pub mod encode;
pub mod eyeball;
pub mod head;
pub mod identity;
pub mod light;
pub mod maths;
pub mod path;
pub mod raster;
pub mod scene;
pub mod sensor;
pub mod skin;
pub mod strands;
pub mod surface;
