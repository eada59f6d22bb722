SELECT cell, count(*), sum(strtol(substring(digest, 1, 15), 16)), sum(strtol(substring(digest, 16, 15), 16))
FROM (SELECT coalesce(strtol(substring(md5('ababababababababababababababababk' ||
CASE
WHEN f0 IN ('a') THEN
    coalesce(char_length(f0)::varchar || ':' || f0, '-') ||
    coalesce(char_length(f1)::varchar || ':' || f1, '-')
WHEN f0 IN ('b''') THEN
    coalesce(char_length(f0)::varchar || ':' || f0, '-') ||
    coalesce(char_length(f1)::varchar || ':' || f1, '-') END), 1, 4), 16), 65536) AS cell, md5('abababababababababababababababab' ||
CASE
WHEN fit AND amount IS NOT NULL AND (f3 IS NULL OR f3 <> '?') THEN 'r'
ELSE '!' END ||
    coalesce(CASE
WHEN f0 IN ('a') THEN
    coalesce(char_length(f0)::varchar || ':' || f0, '-') ||
    coalesce(char_length(f1)::varchar || ':' || f1, '-') || '10:2026-11-20' ||
    coalesce(char_length(f3)::varchar || ':' || f3, '-') ||
    coalesce(char_length(f8)::varchar || ':' || f8, '-') ||
    coalesce(char_length(amount)::varchar || ':' || amount, '-')
WHEN f0 IN ('b''') THEN
    coalesce(char_length(f0)::varchar || ':' || f0, '-') ||
    coalesce(char_length(f1)::varchar || ':' || f1, '-') || '10:2026-11-20' ||
    coalesce(char_length(f8)::varchar || ':' || f8, '-') ||
    coalesce(char_length(amount)::varchar || ':' || amount, '-')
END, ''))
AS digest FROM (SELECT f0, f1, f3, f8, fit,
CASE
WHEN (f8 IN ('JPY') AND f9 ~ '^-?[0-9]{1,26}$') OR (f8 IN ('MXN') AND f9 ~ '^-?[0-9]{1,26}([.][0-9]{1,2})?$') THEN
CASE
WHEN ltrim(f9, '-0.') = '' THEN '0'
WHEN f9 LIKE '-%' THEN '-' || ltrim(split_part(f9, '.', 1) || rpad(split_part(f9, '.', 2), 2, '0'), '-0')
ELSE ltrim(split_part(f9, '.', 1) || rpad(split_part(f9, '.', 2), 2, '0'), '-0') END END AS amount
FROM (SELECT nullif(trim("source"::varchar(65535)), '') AS f0, nullif(trim("id"::varchar(65535)), '') AS f1,
CASE
WHEN "at" >= '1900-01-01 00:00:00+00' AND "at" < '2200-01-01 00:00:00+00' THEN to_char("at" AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
WHEN "at" IS NOT NULL THEN '?' END AS f3, nullif(trim("code"::varchar(65535)), '') AS f8, nullif(trim("amount"::varchar(65535)), '') AS f9, coalesce(octet_length("code"::varchar(65535)), 0) + coalesce(octet_length("source"::varchar(65535)), 0) <= 30000 AS fit
FROM "movements"
WHERE "date" IN ('2026-11-20')) AS texts) AS vals) AS digests
GROUP BY 1 ORDER BY 1
