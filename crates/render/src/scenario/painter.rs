//! Draws shots, keeping what the next one can use.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{Setup, Shot};
use crate::identity::Identity;
use crate::person::Person;
use crate::room::Room;
use crate::scene::{Buffers, Picture, Scene};
use crate::sensor::Sensor;
use crate::truth::Truth;
use crate::variety::{Variety, relight};

type Slot = (u64, Arc<OnceLock<Arc<Person>>>);

/// The people met last, for all painters: making one takes longer than drawing one.
#[derive(Debug)]
pub struct People {
    /// The one met last stands last.
    met: Mutex<Vec<Slot>>,
    most: usize,
    variety: Variety,
}

impl People {
    /// Remembers `most` people.
    pub fn new(most: usize) -> People {
        People::of(Variety::Usual, most)
    }

    /// Of a variety; who draws them lights and films them accordingly.
    pub fn of(variety: Variety, most: usize) -> People {
        People {
            met: Mutex::default(),
            most: most.max(1),
            variety,
        }
    }

    /// The person of this seed; made now if it is not remembered. Others may fetch other
    /// people meanwhile.
    pub fn get(&self, seed: u64) -> Arc<Person> {
        let slot = {
            let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
            let known = met.iter().position(|(s, _)| *s == seed);
            let slot = match known {
                Some(i) => met.remove(i),
                None => {
                    if met.len() == self.most {
                        met.remove(0);
                    }
                    (seed, Arc::default())
                }
            };
            met.push(slot.clone());
            slot.1
        };
        slot.get_or_init(|| Arc::new(Person::new(Identity::of(self.variety, seed))))
            .clone()
    }
}

/// Draws shots one after the other, on one core.
#[derive(Debug)]
pub struct Painter {
    people: Arc<People>,
    last: Option<(Setup, Scene)>,
}

impl Painter {
    /// A painter who knows `people`.
    pub fn new(people: Arc<People>) -> Painter {
        Painter { people, last: None }
    }

    /// Draws a shot and tells what is true of each person in it, in the order of [`Shot::people`].
    pub fn paint(&mut self, shot: &Shot, picture: &mut Picture) -> Vec<Truth> {
        let people = shot.people.iter().map(|s| self.people.get(*s)).collect();
        let mut scene = match self.last.take() {
            Some((setup, mut scene)) if setup == shot.setup => {
                scene.people = people;
                scene
            }
            last => {
                let setup = &shot.setup;
                let buffers = last.map_or_else(Buffers::default, |(_, s)| s.into_buffers());
                let i = setup.camera.intrinsics;
                let size = (i.width as usize, i.height as usize);
                let mut room = Room::random(setup.room, &setup.screen, size.0, size.1);
                let mut sensor = Sensor::random(setup.sensor);
                match self.people.variety {
                    Variety::Other => {
                        relight(&mut room.lights, setup.room);
                        sensor.make_harsh(setup.sensor);
                    }
                    Variety::SkinDeep | Variety::Murky => sensor.make_poor(setup.sensor),
                    Variety::Usual | Variety::Wide => {}
                }
                Scene::reusing(setup.camera, room, sensor, people, buffers)
            }
        };
        let truths = scene.render(&shot.moment, picture);
        self.last = Some((shot.setup.clone(), scene));
        truths
    }
}
