/** 64 each, so that six bits of a hash choose one. */
export const FIRST_NAMES: readonly string[] =
  `Ada Alan Amina Anders Anna Anton Asha Barbara Bela Berta Carlos Chen Clara Daniel Dario Diana Edgar Edith Elena Emil
Esther Farid Fatima Felix Frances Fumiko George Grace Hana Hugo Ines Isaac Ivan Jana Joan Jonas Julia Kamal Karin Ken
Lars Leila Lena Linus Lucia Magda Marco Maria Mei Miguel Nadia Niels Nora Olga Omar Paula Pavel Radia Rosa Samir Sofia
Tomas Vera Yusuf`.split(/\s+/);

export const LAST_NAMES: readonly string[] =
  `Abe Alvarez Andersen Bach Baker Banerjee Becker Bauer Bianchi Brandt Castro Chan Cohen Costa Diaz Dubois Eriksen Evans
Fischer Flores Fontana Garcia Gupta Haddad Hansen Hoffman Hughes Ibrahim Ito Jansen Jones Kaya Keller Khan Kim Klein
Kovacs Kumar Larsen Lopez Marino Martin Meyer Moreau Mori Nagy Novak Nowak Okafor Olsen Park Perez Petrov Rossi Santos
Sato Schmidt Silva Singh Tanaka Torres Wagner Weber Yilmaz`.split(/\s+/);
