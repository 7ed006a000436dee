// Live gaze in Swift, through gaze.h. Not compiled by this project's tests:
// they run on Linux without a Swift compiler. Please report what does not fit.
//
//     swiftc -I include include/examples/Gaze.swift -o gaze && ./gaze
//
// The functions of gaze.h are `static inline` C, so Swift calls them directly;
// the atomics stay in C, where their ordering is defined.

import CGaze

func text(_ code: Int32) -> String { String(cString: gaze_text(code)) }

var gaze = gaze_reader()
let opened = gaze_open(&gaze, nil)
guard opened == Int32(GAZE_OK) else { fatalError(text(opened)) }
defer { gaze_close(&gaze) }

watching: while true {
    var sample = gaze_sample()
    var lost: UInt64 = 0
    while gaze_next(&gaze, &sample, &lost) == Int32(GAZE_OK) {
        if sample.flags & UInt32(GAZE_VALID) != 0 {
            print(sample.x, sample.y, "±", sample.error_radius)
        } else {
            print(String(cString: gaze_reason_text(sample.reason)))
        }
    }
    if gaze_wait(&gaze, 500) == Int32(GAZE_OK) { continue }
    let health = gaze_health(&gaze)
    if health == Int32(GAZE_RESTARTED) {
        _ = gaze_reopen(&gaze)
    } else if health == Int32(GAZE_STOPPED) || health == Int32(GAZE_DIED) {
        print(text(health))
        break watching
    }
}
