coalesce(strtol(substring(md5('ababababababababababababababababk' ||
CASE
WHEN nullif(trim("source"::varchar(65535)), '') IN ('a') THEN
    coalesce(char_length(nullif(trim("source"::varchar(65535)), ''))::varchar || ':' || nullif(trim("source"::varchar(65535)), ''), '-') ||
    coalesce(char_length(nullif(trim("id"::varchar(65535)), ''))::varchar || ':' || nullif(trim("id"::varchar(65535)), ''), '-')
WHEN nullif(trim("source"::varchar(65535)), '') IN ('b''') THEN
    coalesce(char_length(nullif(trim("source"::varchar(65535)), ''))::varchar || ':' || nullif(trim("source"::varchar(65535)), ''), '-') ||
    coalesce(char_length(nullif(trim("id"::varchar(65535)), ''))::varchar || ':' || nullif(trim("id"::varchar(65535)), ''), '-') END), 1, 4), 16), 65536) IN (7,65536)
