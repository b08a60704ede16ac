// Package disktest is a disk that fails as disks do, for programs that keep
// something: a file system by FUSE with one folder, whose files this process holds.
//
//   - Until something is flushed, a power cut keeps any of its sectors of 512 bytes
//     and loses the others: writes are lost, torn and kept out of their order. A
//     file's length goes back with it, and names stay as they were in the order in
//     which they were given. What is flushed stays: a file with its own name, a
//     folder with all names in it.
//   - A disk that lies says so and has flushed nothing for a while.
//   - Any one write, flush or naming fails, half of a write done, until somebody
//     says that the program has noticed.
//
// Every power cut is at one place in the order of all writes, flushes and words, so
// that one life of a program is worth a cut at each: see [Disk.Image].
//
// The program must be another process. One that maps a file of a file system that it
// serves itself waits for itself, for ever.
//
// Sources: fuse(4) of Linux; what stays after a flush as ext4, XFS and btrfs have it,
// which is more than POSIX promises, since it says nothing of a new file's name.
package disktest
