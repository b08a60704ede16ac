package wire

import (
	"hash/crc32"
	"strconv"
	"strings"

	"coldstation/sync/circ"
)

// Shards is how many parts the stations of a library are dealt into, so that
// several hubs can share them.
const Shards = 64

// Shard is the part that a station belongs to.
func Shard(station circ.StationID) int {
	return int(crc32.ChecksumIEEE([]byte(station)) % Shards)
}

// Direction is the way a message goes, or State for a station's presence.
type Direction string

// The last word of a topic.
const (
	Up    Direction = "up"    // station to hub
	Down  Direction = "down"  // hub to station
	Birth Direction = "state" // presence: birth, sleep and will
)

const root = "cs/v1/"

// HubState is the topic of the hub's presence.
const HubState = root + "hub/state"

// Topic is where messages of one station go in one direction.
func Topic(station circ.StationID, way Direction) string {
	return root + strconv.Itoa(Shard(station)) + "/" + string(station) + "/" + string(way)
}

// AnyTopic is the subscription to all stations of a shard in one direction; a
// negative shard stands for all.
func AnyTopic(shard int, way Direction) string {
	if shard < 0 {
		return root + "+/+/" + string(way)
	}
	return root + strconv.Itoa(shard) + "/+/" + string(way)
}

// ParseTopic tells whose topic it is and which way it goes. Only topics that
// Topic makes are believed.
func ParseTopic(topic string) (station circ.StationID, way Direction, ok bool) {
	parts := strings.Split(topic, "/")
	if len(parts) != 5 {
		return "", "", false
	}
	station, way = circ.StationID(parts[3]), Direction(parts[4])
	if !station.Valid() || topic != Topic(station, way) {
		return "", "", false
	}
	switch way {
	case Up, Down, Birth:
		return station, way, true
	}
	return "", "", false
}
