package iso28560_test

import (
	"encoding/json"
	"fmt"
	"os"

	"coldstation/rfid/iso28560"
)

func ExampleDecode() {
	mem := []byte{
		0x91, 0x00, 0x05, 0x1C, 0xBE, 0x99, 0x1A, 0x14, 0x02, 0x01, 0xD0, 0x14, 0x02, 0x04, 0xB3, 0x46, 0x07, 0x44,
		0x1C, 0xB6, 0xE2, 0xE3, 0x35, 0xD6, 0x83, 0x02, 0x07, 0xAC, 0xC0, 0x9E, 0xBA, 0xA0, 0x6F, 0x6B, 0x00, 0x00,
	}
	tag, err := iso28560.Decode(mem, iso28560.NoDSFID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v: %s, part %d of %d, of %s\n", tag.Format, tag.Item, tag.Part, tag.Parts, tag.ISIL)
	// Output: iso28560-2: 123456789012, part 3 of 12, of US-InU-Mu
}

func ExampleEncodePart3() {
	label := iso28560.Label{Item: "1000000056", ISIL: "DK-718500", Parts: 1, Part: 1, Usage: iso28560.Circulation}
	mem, err := iso28560.EncodePart3(label, iso28560.Layout{Block: 4, Room: 112})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("% X\n", mem)
	// Output: 11 01 01 31 30 30 30 30 30 30 30 35 36 00 00 00 00 00 00 98 A4 44 4B 37 31 38 35 30 30 00 00 00 00 00 00 00
}

func ExampleDescribe() {
	mem := append([]byte{0x04, 0x11, 0x00, 0x01}, "1301234567\x00\x00\x00\x00\x00\x00"...)
	json.NewEncoder(os.Stdout).Encode(iso28560.Describe(mem, iso28560.NoDSFID))
	// Output: {"format":"3m-legacy","item":"1301234567","isil":"","parts":1,"part":1,"usage":null,"title":"","crc_ok":null,"note":"3M's layout from before the standard"}
}
