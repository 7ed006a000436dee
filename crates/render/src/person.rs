//! One person, ready to be drawn in any room: everything that does not change from picture to picture.

use crate::body::head::{Expression, Head, Posed};
use crate::body::skin::Skin;
use crate::body::template::Template;
use crate::eye::lashes::Lashes;
use crate::glasses::Glasses;
use crate::hair::Hair;
use crate::identity::Identity;
use crate::maths::V3;
use crate::shadow::openness;

/// Shape, surface and hair of one person. Made once (some tenths of a second), then only read:
/// scenes share it behind an [`std::sync::Arc`].
#[derive(Debug)]
pub struct Person {
    /// Shape, and where the eyes are.
    pub head: Head,
    /// What they wear on their nose.
    pub glasses: Option<Glasses>,
    pub(crate) skin: Skin,
    pub(crate) hair: Hair,
    pub(crate) lashes: Lashes,
    /// How open each vertex lies to the room's light.
    pub(crate) open: Vec<f32>,
}

impl Person {
    /// Builds the person of `identity`.
    pub fn new(identity: Identity) -> Person {
        let template = Template::bundled();
        let head = Head::new(identity);
        let mut rest = Posed::default();
        head.pose(&Expression::default(), [0.0; 3], V3::ZERO, &mut rest);
        let glasses =
            (head.identity.glasses.clone()).map(|style| Glasses::fit(style, &head, &rest));
        Person {
            glasses,
            skin: Skin::new(&head.identity),
            hair: Hair::new(&head),
            lashes: Lashes::new(&head),
            open: openness(&template.triangles, &rest.positions, &rest.normals),
            head,
        }
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.head.identity
    }
}
