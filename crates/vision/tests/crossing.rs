//! People who cross keep their ids: a rendered film in small, what the example `crossings`
//! measures at length.

#[allow(dead_code)] // the example uses more of it
#[path = "../examples/crossings/films.rs"]
mod films;

#[test]
fn nobody_takes_over_anothers_id_and_who_is_hidden_gets_theirs_back() {
    // Of three people the farthest passes behind the nearest and comes out again.
    let film = films::run(71, 0, (640, 360), 98..150);
    println!("{film:?}");
    assert_eq!((film.people, film.swaps, film.renamed), (3, 0, 0));
    assert!(film.returns > 0, "somebody was hidden");
    assert!(film.ids.iter().filter(|ids| !ids.is_empty()).count() >= 2);
    assert_eq!(film.nobody, 0);
    assert!(film.listed > 0.8, "{:.2}", film.listed);
}
