-- What is too long for a notice, by the SHA-256 of its bytes in hexadecimal digits.
CREATE TABLE blobs (
	id      TEXT   NOT NULL PRIMARY KEY,
	content BLOB   NOT NULL,
	at      BIGINT NOT NULL -- since when it is here
);

ALTER TABLE items ADD COLUMN cover TEXT NOT NULL DEFAULT ''; -- a blob; '' for none
