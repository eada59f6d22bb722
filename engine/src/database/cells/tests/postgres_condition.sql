coalesce(('x' || substr(md5('ababababababababababababababababk' ||
CASE
WHEN nullif(btrim("source"::text) COLLATE "C", '') IN ('a') THEN
    coalesce(char_length(nullif(btrim("source"::text) COLLATE "C", ''))::text || ':' || nullif(btrim("source"::text) COLLATE "C", ''), '-') ||
    coalesce(char_length(nullif(btrim("id"::text) COLLATE "C", ''))::text || ':' || nullif(btrim("id"::text) COLLATE "C", ''), '-')
WHEN nullif(btrim("source"::text) COLLATE "C", '') IN ('b''') THEN
    coalesce(char_length(nullif(btrim("source"::text) COLLATE "C", ''))::text || ':' || nullif(btrim("source"::text) COLLATE "C", ''), '-') ||
    coalesce(char_length(nullif(btrim("id"::text) COLLATE "C", ''))::text || ':' || nullif(btrim("id"::text) COLLATE "C", ''), '-') END), 1, 4))::bit(16)::int, 65536) = ANY ('{7,65536}'::int[])
