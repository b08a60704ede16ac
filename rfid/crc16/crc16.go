// Package crc16 computes the four 16-bit cyclic redundancy checks met between a
// library tag and its reader. They share one polynomial, x¹⁶+x¹²+x⁵+1, and
// differ in bit order and in whether the result is inverted; all start at FFFF.
//
//	name         polynomial       result    "123456789"  used by
//	MCRF4XX      8408, reflected  as it is  6F91         FEIG, RL866, TWN4 frames; low byte first
//	X25          8408, reflected  inverted  906E         ISO/IEC 15693 on the air; low byte first
//	GENIBUS      1021             inverted  D64E         3M 210 and 810 frames; high byte first
//	CCITTFalse   1021             as it is  29B1         ISO 28560-3 tags; low byte first
//
// The order of the two bytes on the wire is the caller's business: the functions
// return a number.
//
// Source: names and check values from the CRC RevEng catalogue, where X25 is
// CRC-16/IBM-SDLC (alias ISO-IEC-13239) and CCITTFalse is CRC-16/IBM-3740.
package crc16

// Init is the register before the first byte, in all four variants.
const Init uint16 = 0xFFFF

// Residue is what UpdateReflected leaves in the register after a message that
// ends with its own X25 check, low byte first. An MCRF4XX message leaves 0.
const Residue uint16 = 0xF0B8

var reflected, forward = tables()

func tables() (reflected, forward [256]uint16) {
	for i := range 256 {
		r, f := uint16(i), uint16(i)<<8
		for range 8 {
			r = r>>1 ^ r&1*0x8408
			f = f<<1 ^ f>>15*0x1021
		}
		reflected[i], forward[i] = r, f
	}
	return reflected, forward
}

// UpdateReflected runs b through the register of MCRF4XX and X25, lowest bit
// first. Begin with Init; X25 inverts the final register.
func UpdateReflected(crc uint16, b []byte) uint16 {
	for _, c := range b {
		crc = crc>>8 ^ reflected[byte(crc)^c]
	}
	return crc
}

// Update runs b through the register of CCITTFalse and GENIBUS, highest bit
// first. Begin with Init; GENIBUS inverts the final register.
func Update(crc uint16, b []byte) uint16 {
	for _, c := range b {
		crc = crc<<8 ^ forward[byte(crc>>8)^c]
	}
	return crc
}

// MCRF4XX is the check of FEIG ISO-Host, RL866 and TWN4 frames.
func MCRF4XX(b []byte) uint16 { return UpdateReflected(Init, b) }

// X25 is the check of ISO/IEC 15693 frames on the air (ISO/IEC 13239).
func X25(b []byte) uint16 { return ^UpdateReflected(Init, b) }

// GENIBUS is the check of 3M 210 and 810 reader frames.
func GENIBUS(b []byte) uint16 { return ^Update(Init, b) }

// CCITTFalse is the check inside an ISO 28560-3 tag.
func CCITTFalse(b []byte) uint16 { return Update(Init, b) }
