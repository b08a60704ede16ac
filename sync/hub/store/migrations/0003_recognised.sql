ALTER TABLE patrons ADD COLUMN picture TEXT NOT NULL DEFAULT '';   -- to be recognised by without a card
ALTER TABLE patrons ADD COLUMN recalls BIGINT NOT NULL DEFAULT 0;  -- wants to be told what they had before
ALTER TABLE patrons ADD COLUMN secret TEXT NOT NULL DEFAULT '';    -- the hash of a number
