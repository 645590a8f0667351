/* tests/sparkplug/vectors.h -- the payloads every codec must read and write byte for byte.
 *
 * Made with protoc 3.21.12 from the specification's schema; shared by the host's codecs and the edge's. */
#ifndef TESTS_SPARKPLUG_VECTORS_H
#define TESTS_SPARKPLUG_VECTORS_H

typedef struct spb_vector {
    const char *name, *what, *hex;
} spb_vector;

static const spb_vector spb_vectors[] = {
    { "V1", "NDEATH as Will: bdSeq 7", "120b0a05626453657120045807" },
    { "V2", "NBIRTH, minimal",
      "0880d095ffbc3112120a0562645365711880d095ffbc312004580712210a144e6f646520436f6e74726f6c2f52656269"
      "7274681880d095ffbc31200b70001800" },
    { "V3", "DBIRTH with aliases, negative integers, UInt32 in int_value, a null",
      "0880d095ffbc3112150a02693810011880d095ffbc31200150d6ffffff0f12160a0369313610021880d095ffbc312002"
      "50d095feff0f12160a0369333210031880d095ffbc31200350ffffffff0f12160a0375333210041880d095ffbc312007"
      "50ffffffff0f12170a016410051880d095ffbc31200a69000000000000f83f12100a017310061880d095ffbc31200c38"
      "011801" },
    { "V4", "DDATA by alias", "08e8d795ffbc311212100518e8d795ffbc316900000000000002401802" },
    { "V5", "NDATA with 64-bit extremes, seq 255",
      "0880d095ffbc3112170a036936341880d095ffbc3158ffffffffffffffffff0112170a037536341880d095ffbc3158ff"
      "ffffffffffffffff0112120a0264741880d095ffbc315880d095ffbc3118ff01" },
    { "V6", "NCMD rebirth with datatype", "0880d095ffbc3112210a144e6f646520436f6e74726f6c2f526562697274681880d095ffbc31200b7001" },
    { "V7", "NCMD rebirth without timestamps", "121a0a144e6f646520436f6e74726f6c2f52656269727468200b7001" },
    { "V8", "DDEATH", "0880d095ffbc311803" },
    { "V9", "metric with Quality and engUnit",
      "0880d095ffbc3112360a01741880d095ffbc3120094a230a075175616c6974790a07656e67556e69741205080318f403"
      "1208080c42046465674365000048411804" },
    { "V10", "DataSet",
      "0880d095ffbc31122b0a0264731880d095ffbc3120108a011b080212016e1201731803180c220d0a0608fbffffff0f0a"
      "033201611805" },
    { "V11", "Template definition and instance",
      "0880d095ffbc3112370a064d6f746f72541880d095ffbc3120139201230a013112100a0372706d1880d095ffbc312003"
      "50001a0a0a04706f6c6510031804280112400a064d6f746f72311880d095ffbc31201392012c0a013112110a0372706d"
      "1880d095ffbc31200350dc0b1a0a0a04706f6c651003180622064d6f746f725428001800" },
    { "V12", "historical samples", "0888f795ffbc3112110a01701880d095ffbc312801650000803f12110a017018e8d795ffbc31280165000000401809" },
};
#endif
