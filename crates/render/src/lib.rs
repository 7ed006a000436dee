//! Synthetic faces with exact labels: for the demo, the tests and the trainer.
//!
//! A [`scene::Scene`] holds people ([`person::Person`], made from an [`identity::Identity`]), a
//! [`room::Room`] and a [`camera::Camera`]; [`scene::Scene::render`] draws one [`scene::Moment`]
//! and returns what is true of each person in it.
//! Heads come from the MakeHuman family (ASSETS.md); all else is made by procedure.

pub mod body;
pub mod camera;
mod draw;
pub mod encode;
pub mod eye;
pub mod glasses;
pub mod hair;
pub mod identity;
pub mod light;
pub mod maths;
pub mod path;
pub mod person;
pub mod raster;
pub mod room;
pub mod scenario;
pub mod scene;
pub mod sensor;
pub mod shadow;
pub mod strands;
pub mod truth;
pub mod variety;
