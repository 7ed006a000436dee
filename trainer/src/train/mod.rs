//! Training: from a cache of samples to a network.
//!
//! | module | is |
//! |---|---|
//! | [`settings`] | what a training is told |
//! | [`folds`] | what is learned from and what is checked on |
//! | [`examples`] | samples as batches of inputs and answers; the order of an epoch |
//! | [`balance`] | looks drawn so that where heads point tells nothing |
//! | [`teacher`] | another network's answers in place of the labels |
//! | [`augment`] | light, blur, noise, crops that lie off, the mirror |
//! | [`loss`] | what is made small: the answers' error, and that pairs agree |
//! | [`schedule`] | which part learns how fast, and which stands still |
//! | [`run`] | the loop |
//! | [`state`] | what an interrupted run goes on from |
//! | [`judge`] | how far off a network is |
//! | [`pupils`] | whether it is the pupils that it follows, or the face |
//! | [`personal`] | the last layer tuned to one person |
//! | [`spread`] | how far a finished network errs, told of each look |
//! | [`study`] | error against the number of points |
//! | [`curves`] | learning curves as a page |
//! | [`guard`] | memory that is not enough, as one line |

pub mod augment;
pub mod balance;
pub mod curves;
pub mod examples;
pub mod folds;
pub mod guard;
pub mod judge;
pub mod loss;
pub mod personal;
pub mod pupils;
pub mod run;
pub mod schedule;
pub mod settings;
pub mod spread;
pub mod state;
pub mod study;
pub mod teacher;
